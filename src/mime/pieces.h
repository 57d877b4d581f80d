#ifndef NM_MIME_PIECES_H
#define NM_MIME_PIECES_H

#include <stdint.h>
#include "base/buf.h"
#include "base/content.h"
#include "base/error.h"
#include "base/feed.h"
#include "base/hidden.h"
#include "base/source.h"
#include "mime/encoder.h"

/* A rendered message, or its body: literal bytes (headers, boundaries), which lie in one buffer, and between them contents that are
   encoded as they are read. At most one content is open at a time. It is filled piece by piece, in order, and then
   becomes a source. */
struct nm_pieces;

NM_HIDDEN_BEGIN

/* NULL when memory is short. */
struct nm_pieces *nm_pieces_new(void);
/* Drops a reference. */
void nm_pieces_free(struct nm_pieces **p);
/* Frees *s, a source that was made of such (NULL: nothing happens), and puts an empty one that has its memory into *p, for the next message; not
   where others have it too, nor where that is more than a small message needs. */
void nm_pieces_recycle(struct nm_source **s, struct nm_pieces **p);
/* Whatever is appended here comes after all that was added so far. Stays where it is until free. */
struct nm_buf *nm_pieces_text(struct nm_pieces *p);
/* The content comes next, encoded so; takes a reference to it. raw_size: what it had when how was found (-1: not known). Should
   it be read and prove different, that is an error. One that is fed is opened here, so that nobody else reads it before
   its turn comes. */
int nm_pieces_content(struct nm_pieces *p, struct nm_content *content, int64_t raw_size,
                      const struct nm_encoding *how, struct nm_error *e);
struct nm_pieces *nm_pieces_ref(struct nm_pieces *p);
/* Nothing is added any more. */
int nm_pieces_end(struct nm_pieces *p, struct nm_error *e);
/* All of tail comes next and last. It has ended, has no content that is fed, and is not read itself but by those that it stands in: any
   number at once, each of which keeps it. */
int nm_pieces_join(struct nm_pieces *p, struct nm_pieces *tail, struct nm_error *e);
/* Takes *p, also when it fails. Rewindable, as long as its contents are; the size is exact, -1 when that of a content is not
   known. */
int nm_pieces_source(struct nm_pieces **p, struct nm_source **out, struct nm_error *e);
/* All of such a source that is bytes at hand and nothing else, and that nobody has begun to read; else p is NULL. Until it is freed. */
struct nm_str nm_pieces_bytes(const struct nm_source *s);
/* The feed that such a source (any other gives NULL) waits for, after it said NM_AGAIN. Borrowed. */
struct nm_feed *nm_pieces_waiting(struct nm_source *s);

/* What the message asks of the way to the server: 8bit, binary, or any other for nothing. */
void nm_pieces_set_cte(struct nm_pieces *p, enum nm_cte cte);
enum nm_cte nm_pieces_cte_of(const struct nm_pieces *p);
/* Of a source made by nm_pieces_source. */
enum nm_cte nm_pieces_cte(const struct nm_source *s);

NM_HIDDEN_END

#endif

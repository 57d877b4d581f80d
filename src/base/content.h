#ifndef NM_BASE_CONTENT_H
#define NM_BASE_CONTENT_H

#include <stdint.h>
#include "base/buf.h"
#include "base/error.h"
#include "base/held.h"
#include "base/hidden.h"
#include "base/source.h"
#include "base/str.h"

/* The bytes of one part: immutable once made, shared by reference count (within one Lua state: the count is
   not atomic), opened anew as a source by each send. */
struct nm_content;
struct nm_feed;

NM_HIDDEN_BEGIN

/* Copies s. */
int nm_content_memory(struct nm_str s, struct nm_content **out, struct nm_error *e);
/* Takes the bytes of b, which is empty then; on failure it keeps them. */
int nm_content_take(struct nm_buf *b, struct nm_content **out, struct nm_error *e);
/* Bytes that lie in what is held: there and the same until it is released, with the last reference. Takes *held, which is nothing then,
   also when it fails. */
int nm_content_held(struct nm_str s, struct nm_held *held, struct nm_content **out, struct nm_error *e);
/* A path, copied. Checked at once to be a readable regular file: a directory, FIFO, device, socket, a missing
   or unreadable file is NM_EINVAL with a text that names it. A path with NUL is refused. The descriptor is not kept. */
int nm_content_file(struct nm_str path, struct nm_content **out, struct nm_error *e);
/* A file as it is now: opening *out fails once that file has another size or time of change. Another kind: the same once more. NM_EIO. */
int nm_content_pin(struct nm_content *c, struct nm_content **out, struct nm_error *e);
/* Bytes that are brought from outside while they are read (base/feed.h). Takes *feed and sets it to NULL, also when it fails. */
int nm_content_fed(struct nm_feed **feed, struct nm_content **out, struct nm_error *e);
struct nm_content *nm_content_ref(struct nm_content *c);
/* Drops *c and sets it to NULL; NULL is fine. */
void nm_content_unref(struct nm_content **c);
/* A new source at the first byte; it holds a reference to c. A file is opened at the first read and closed at the
   end, by rewind or by free (ten thousand attachments do not need ten thousand descriptors). Its size and time of
   change are taken here: a file that has others when it is read (at the first byte or behind the last, in any pass
   after a rewind), or ends before or after that size, is an error of read. Not its inode: some network file systems
   number anew with each open, and a copy of the same size and time is the same content. */
int nm_content_open(struct nm_content *c, struct nm_source **out, struct nm_error *e);
/* Bytes now, or -1 when the file is gone or no regular file any more, or when nobody knows yet. */
int64_t nm_content_size(const struct nm_content *c);
/* The bytes of a memory content; p is NULL for the others. */
struct nm_str nm_content_bytes(const struct nm_content *c);
/* The path of a file content, else empty. */
struct nm_str nm_content_path(const struct nm_content *c);

/* Its feed, or NULL: what has one cannot be looked at before it is sent. */
struct nm_feed *nm_content_feed(const struct nm_content *c);

NM_HIDDEN_END

#endif

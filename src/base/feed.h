#ifndef NM_BASE_FEED_H
#define NM_BASE_FEED_H

#include <stdint.h>
#include "base/error.h"
#include "base/hidden.h"
#include "base/source.h"

/* Bytes that somebody outside brings when they are asked for, as a source: where the one end is pulled from within the core,
   the other is filled by a producer (a function or an open file of Lua) between two steps of it, because Lua is never called
   from inside. Counted. It holds one chunk at a time: the next is wanted when that one is gone.

   The producer's life is the feed's: release is called when nothing can ask for bytes any more, that is with the feed,
   or, when it cannot start again, once it has begun and is over. */
struct nm_feed;

/* One chunk. */
#define NM_FEED_CHUNK_MAX ((size_t)1 << 30)

NM_HIDDEN_BEGIN

/* size: bytes that must come, -1: not known. can_restart: the producer can give its bytes from the first on again and again; else the
   feed is read once. Takes producer (release may be NULL), also when it fails. */
int nm_feed_new(int64_t size, int can_restart, void *producer, void (*release)(void *producer),
                struct nm_feed **out, struct nm_error *e);
struct nm_feed *nm_feed_ref(struct nm_feed *f);
void nm_feed_unref(struct nm_feed **f);
int64_t nm_feed_size(const struct nm_feed *f);

/* ---- the core's end ---- */

/* A source of the bytes from the first on; it holds a reference. NM_EINVAL, with what to do: another source is open (one send at
   a time), or the bytes were read before and do not come again. Reading gives NM_AGAIN while bytes are wanted and neither
   end nor failure was said. Freed before the producer was asked, it has
   used nothing up. */
int nm_feed_open(struct nm_feed *f, struct nm_source **out, struct nm_error *e);

/* ---- the producer's end ---- */

/* A source is open, has nothing left, and waits. */
int nm_feed_wants(const struct nm_feed *f);
/* The producer is about to be called: from here on, what cannot start again is used up. Every answer says so too. */
void nm_feed_asked(struct nm_feed *f);
/* NULL once released. */
void *nm_feed_producer(const struct nm_feed *f);
/* Bytes that were pushed since the source was opened: where a producer that can restart goes on. */
int64_t nm_feed_given(const struct nm_feed *f);
/* One chunk (copied), when the feed wants one. Too many bytes for its size, or no memory, is the feed's failure: the
   source says so. No bytes: nothing now, it still wants. */
void nm_feed_push(struct nm_feed *f, const char *p, size_t n);
/* There are no more. Fewer than size is a failure. */
void nm_feed_end(struct nm_feed *f);
/* The bytes cannot be had, for the reason in why (copied). */
void nm_feed_fail(struct nm_feed *f, const struct nm_error *why);

NM_HIDDEN_END

#endif

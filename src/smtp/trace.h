#ifndef NM_SMTP_TRACE_H
#define NM_SMTP_TRACE_H

#include <stddef.h>
#include "base/hidden.h"
#include "base/str.h"

/* What was said on a connection, for a person to read: a queue of lines, filled by who speaks and emptied between two steps by who
   shows them. It has a maximum: what comes when it is full is left out and counted. It can outlive a session and serve the next.
   Nothing in here looks for secrets: who writes a line that holds one hands in other words for it. */
struct nm_trace;

enum nm_trace_from { NM_TRACE_CLIENT, NM_TRACE_SERVER, NM_TRACE_EVENT };

/* Of one line; the rest of a longer one is counted in its last words. */
#define NM_TRACE_LINE_MAX 2048
/* Of all that wait: some thousand lines, between two steps. */
#define NM_TRACE_MAX (256 << 10)

NM_HIDDEN_BEGIN

struct nm_trace *nm_trace_new(void);
void nm_trace_free(struct nm_trace **t);
/* A line without its end; unprintable octets are shown as \xNN. t may be NULL. */
void nm_trace_add(struct nm_trace *t, enum nm_trace_from from, struct nm_str line);
/* The same of no more than a few words of ours. */
void nm_trace_addf(struct nm_trace *t, enum nm_trace_from from, const char *fmt, ...) NM_PRINTF(3, 4);
/* 1: takes the oldest line out; it is valid, and NUL-terminated, until the next call for t. 0: there is none. */
int nm_trace_next(struct nm_trace *t, enum nm_trace_from *from_out, struct nm_str *line_out);
/* There are lines to be taken out. t may be NULL. */
int nm_trace_has_lines(const struct nm_trace *t);
/* How many lines were left out since this was last asked. */
size_t nm_trace_dropped(struct nm_trace *t);

NM_HIDDEN_END

#endif

#ifndef NM_SMTP_REPLY_H
#define NM_SMTP_REPLY_H

#include <stddef.h>
#include "base/buf.h"
#include "base/error.h"
#include "base/hidden.h"
#include "base/str.h"

/* One line of a reply without its end; RFC 5321 4.5.3.1.5 says 512, RFC 4954 4 for the challenges of AUTH 12288. */
#define NM_REPLY_LINE_MAX 12288
/* One reply, all lines: a hostile server must not fill our memory. */
#define NM_REPLY_MAX 65536
#define NM_REPLY_LINES_MAX 1024

/* A parsed reply: a value, apart from the parser. */
struct nm_reply {
  int code;        /* 200-599 */
  int enhanced[3]; /* RFC 3463 class.subject.detail; all 0 when there is none */
  struct nm_buf
      text; /* lines without code (and enhanced code kept), joined by \n, bytes as the server sent them */
};

/* Bytes in, replies out; any split. */
struct nm_reply_parser;

NM_HIDDEN_BEGIN

void nm_reply_free(struct nm_reply *r);
/* NM_ENOMEM: the codes are copied all the same, the text is empty. */
int nm_reply_copy(struct nm_reply *to, const struct nm_reply *from);
/* "550 5.1.1 no such user" on one line: lines joined by a space, unprintable bytes shown as \xNN. */
void nm_reply_print(const struct nm_reply *r, struct nm_buf *out);
/* "what: 550 5.1.1 no such user" */
int nm_reply_error(const struct nm_reply *r, int code, enum nm_kind kind, const char *what,
                   struct nm_error *e);
static inline int nm_reply_class(const struct nm_reply *r) {
  return r->code / 100;
}
/* Cuts the next line off rest, which begins as all of a reply's text; 0: there is none left. */
int nm_reply_next_line(struct nm_str *rest, struct nm_str *line_out);
/* Bytes of the enhanced code that the line begins with, its parts in enhanced_out; 0: none of that class. */
size_t nm_reply_enhanced(struct nm_str line, int reply_class, int enhanced_out[3]);
/* The queue id when the text has one in a known form ("queued as X", "id=X", …), else n == 0. Borrows from r. */
struct nm_str nm_reply_queue_id(const struct nm_reply *r);

/* Whether its text has the words, ASCII letters without case. */
int nm_reply_has_word(const struct nm_reply *r, struct nm_str word);

struct nm_reply_parser *nm_reply_parser_new(void);
void nm_reply_parser_free(struct nm_reply_parser **p);
/* Takes bytes up to the end of one reply; *used_out says how many. 1: nm_reply_parser_get has it; 0: more is
   needed (all bytes used); NM_EPROTO or NM_ELIMIT: malformed, and it stays so. */
int nm_reply_parser_step(struct nm_reply_parser *p, const char *bytes, size_t n, size_t *used_out,
                         struct nm_error *e);
/* The reply just completed; valid until the next step. */
const struct nm_reply *nm_reply_parser_get(const struct nm_reply_parser *p);
/* The reply just completed is the one before once more, octet for octet. */
int nm_reply_parser_is_again(const struct nm_reply_parser *p);
/* Of the first reply, before its first byte: a line that is none is read to its end, or to where it is cut short, and the error quotes it,
   printable. For the greeting, which can repeat no secret of ours, and is often another protocol's. */
void nm_reply_parser_quote(struct nm_reply_parser *p);
/* Nothing more comes: the error of a line that is none and has no end yet; 0: there is no error. */
int nm_reply_parser_end(struct nm_reply_parser *p, struct nm_error *e);
/* Bytes of an unfinished reply are held. */
int nm_reply_parser_partial(const struct nm_reply_parser *p);

NM_HIDDEN_END

#endif

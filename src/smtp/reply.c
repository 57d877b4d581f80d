#include "smtp/reply.h"

#include <string.h>

#include "base/alloc.h"
#include "base/chars.h"
#include "base/printable.h"

/* Room taken at birth: an ordinary reply costs no further allocation. */
#define TEXT_CAP 1024

/* Of a reply that may be said again. */
#define LINE_KEPT_MAX 128

/* Of a line that is quoted. */
#define QUOTE_MAX 80

enum where { AT_CODE, AT_SEPARATOR, IN_TEXT, AT_LF, IN_QUOTE };

struct nm_reply_parser {
  struct nm_reply reply;
  enum where where;
  int digits;   /* of this line's code, seen so far */
  int is_last;  /* this line has no hyphen after its code */
  int complete; /* reply is whole; the next byte begins another */
  size_t lines; /* ended lines of this reply */
  size_t line_n;
  size_t total_n;
  size_t kept_n; /* the reply is that one line, with its end; 0: it is another */
  char kept[LINE_KEPT_MAX];
  int is_again;
  int quotes; /* a line that is none is read on, for the error */
  char quote[QUOTE_MAX];
  size_t quote_n;
  struct nm_error error; /* code != 0: failed, and stays so */
};

/* The first line that has an enhanced code decides: servers give the same in each. */
static void find_enhanced(struct nm_reply *r) {
  struct nm_str rest = nm_buf_str(&r->text);
  struct nm_str line;
  while (nm_reply_next_line(&rest, &line)) {
    if (nm_reply_enhanced(line, nm_reply_class(r), r->enhanced) > 0) {
      return;
    }
  }
}

struct nm_reply_parser *nm_reply_parser_new(void) {
  struct nm_reply_parser *p = nm_zalloc(sizeof *p);
  if (p == NULL) {
    return NULL;
  }
  p->reply.text.max = NM_REPLY_MAX;
  if (nm_buf_room(&p->reply.text, TEXT_CAP) == NULL) {
    nm_free(p);
    return NULL;
  }
  return p;
}

void nm_reply_parser_free(struct nm_reply_parser **p) {
  if (*p != NULL) {
    nm_reply_free(&(*p)->reply);
    nm_free(*p);
    *p = NULL;
  }
}

const struct nm_reply *nm_reply_parser_get(const struct nm_reply_parser *p) {
  return &p->reply;
}

int nm_reply_parser_is_again(const struct nm_reply_parser *p) {
  return p->is_again;
}

int nm_reply_parser_partial(const struct nm_reply_parser *p) {
  return p->total_n > 0 && !p->complete;
}

static int malformed(struct nm_reply_parser *p, const char *what) {
  return nm_error_set(&p->error, NM_EPROTO, NM_KIND_PROTOCOL, "malformed reply from the server: %s", what);
}

void nm_reply_parser_quote(struct nm_reply_parser *p) {
  p->quotes = 1;
}

/* The line is there, or as much of it as is shown. */
static int end_quote(struct nm_reply_parser *p) {
  struct nm_buf line = {.max = NM_ERROR_TEXT_MAX / 2};
  nm_printable_add(&line, nm_str(p->quote, p->quote_n));
  nm_error_set(&p->error, NM_EPROTO, NM_KIND_PROTOCOL, "\"%s\" is no reply of an SMTP server; check Port",
               line.n > 0 ? line.p : "");
  nm_buf_free(&line);
  return p->error.code;
}

/* What has a control octet is no text, and may never have a line's end: a TLS record. */
static int quote_byte(struct nm_reply_parser *p, char c) {
  int is_control = (unsigned char)c < ' ' && c != '\t';
  if (c != '\r' && c != '\n') {
    p->quote[p->quote_n++] = c;
  }
  return is_control || p->quote_n == sizeof p->quote ? end_quote(p) : 0;
}

/* c cannot follow what there is of the line: some octets of its code. */
static int no_reply(struct nm_reply_parser *p, char c, const char *what) {
  if (!p->quotes) {
    return malformed(p, what);
  }
  p->where = IN_QUOTE;
  for (int i = 0, code = p->reply.code; i < p->digits; i++, code = code % 100 * 10) {
    p->quote[p->quote_n++] = (char)('0' + code / 100);
  }
  return quote_byte(p, c);
}

int nm_reply_parser_end(struct nm_reply_parser *p, struct nm_error *e) {
  if (p->where == IN_QUOTE && p->error.code == 0) {
    (void)end_quote(p);
  }
  if (p->error.code != 0) {
    *e = p->error;
  }
  return p->error.code;
}

/* Every byte is counted before it is looked at, so a limit is hit at the same byte however the input is cut. */
static int count(struct nm_reply_parser *p, size_t n) {
  if (n > NM_REPLY_LINE_MAX - p->line_n) {
    return nm_error_set(&p->error, NM_ELIMIT, NM_KIND_PROTOCOL,
                        "a line of the server's reply is longer than %d bytes", NM_REPLY_LINE_MAX);
  }
  if (n > NM_REPLY_MAX - p->total_n) {
    return nm_error_set(&p->error, NM_ELIMIT, NM_KIND_PROTOCOL, "the server's reply is longer than %d bytes",
                        NM_REPLY_MAX);
  }
  p->line_n += n;
  p->total_n += n;
  return 0;
}

/* RFC 5321 4.2: Reply-code = %x32-35 %x30-35 %x30-39. The second digit is taken up to 9 all the same: 571, 591
   and the like are on the wire. Later lines must repeat the first line's code (4.2.1). */
static int code_byte(struct nm_reply_parser *p, char c) {
  static const int unit[3] = {100, 10, 1};
  int value = c - '0';
  if (!nm_is((unsigned char)c, NM_CHAR_DIGIT)) {
    return no_reply(p, c, "a line does not begin with a reply code");
  }
  if (p->lines == 0) {
    if (p->digits == 0 && (value < 2 || value > 5)) {
      return no_reply(p, c, "a reply code is not within 200 and 599");
    }
    p->reply.code += value * unit[p->digits];
  } else if (value != p->reply.code / unit[p->digits] % 10) {
    return no_reply(p, c, "its lines have different reply codes");
  }
  p->digits++;
  if (p->digits == 3) {
    p->where = AT_SEPARATOR;
  }
  return 0;
}

/* RFC 5321 4.2: Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF */
static int separator_byte(struct nm_reply_parser *p, char c) {
  if (c != ' ' && c != '-' && c != '\r' && c != '\n') {
    return no_reply(p, c, "a reply code is not followed by a space or a hyphen");
  }
  p->is_last = c != '-';
  if (p->lines > 0) {
    nm_buf_add_byte(&p->reply.text, '\n');
  }
  p->where = c == '\r' ? AT_LF : IN_TEXT;
  return 0;
}

static int end_line(struct nm_reply_parser *p) {
  p->lines++;
  p->line_n = 0;
  p->digits = 0;
  p->where = AT_CODE;
  if (p->reply.text.err != 0) {
    return nm_error_nomem(&p->error);
  }
  if (p->is_last) {
    find_enhanced(&p->reply);
    p->complete = 1;
  } else if (p->lines == NM_REPLY_LINES_MAX) {
    return nm_error_set(&p->error, NM_ELIMIT, NM_KIND_PROTOCOL, "the server's reply has more than %d lines",
                        NM_REPLY_LINES_MAX);
  }
  return 0;
}

/* textstring up to the line's end or the end of the bytes; returns how many it took, the line's end not among them.
   RFC 5321 allows HTAB and printable ASCII; servers send more, and all but CR and LF are kept as they are. */
static size_t text_run(struct nm_reply_parser *p, const char *bytes, size_t n) {
  const char *lf = memchr(bytes, '\n', n);
  size_t run = lf != NULL ? (size_t)(lf - bytes) : n;
  const char *cr = run > 0 ? memchr(bytes, '\r', run) : NULL;
  if (cr != NULL) {
    run = (size_t)(cr - bytes);
  }
  if (run > 0 && count(p, run) == 0) {
    nm_buf_add(&p->reply.text, bytes, run);
  }
  return run;
}

/* One byte that is not inside a run of text. */
static int structure_byte(struct nm_reply_parser *p, char c) {
  int at_code = p->where == AT_CODE;
  if (count(p, 1) != 0) {
    return p->error.code;
  }
  if (p->where == IN_QUOTE) {
    return quote_byte(p, c);
  }
  if (p->where == AT_LF && c != '\n') {
    return malformed(p, "a CR without LF"); /* RFC 5321 2.3.8 */
  }
  if (p->where == AT_SEPARATOR && separator_byte(p, c) != 0) {
    return p->error.code;
  }
  if (at_code) {
    return code_byte(p, c);
  }
  if (c == '\n') {
    return end_line(p);
  }
  if (c == '\r') {
    p->where = AT_LF;
  }
  return 0;
}

static void begin_reply(struct nm_reply_parser *p) {
  p->complete = 0;
  p->kept_n = 0;
  p->lines = 0;
  p->line_n = 0;
  p->total_n = 0;
  p->reply.code = 0;
  memset(p->reply.enhanced, 0, sizeof p->reply.enhanced);
  nm_buf_reset(&p->reply.text);
}

/* Most replies are one line, and all of it is there:
   Reply-line = Reply-code SP textstring CRLF   (RFC 5321 4.2)
   Returns its octets, or 0, and nothing is changed, for any other that is there. */
static size_t take_line(struct nm_reply_parser *p, const char *bytes, size_t n) {
  int is_plain = n > 5 && bytes[0] >= '2' && bytes[0] <= '5' &&
                 nm_is((unsigned char)bytes[1], NM_CHAR_DIGIT) &&
                 nm_is((unsigned char)bytes[2], NM_CHAR_DIGIT) && bytes[3] == ' ';
  const char *text = bytes + 4;
  const char *cr = is_plain ? memchr(text, '\r', (n < NM_REPLY_LINE_MAX ? n : NM_REPLY_LINE_MAX) - 5) : NULL;
  if (cr == NULL || cr[1] != '\n' || memchr(text, '\n', (size_t)(cr - text)) != NULL) {
    return 0;
  }
  struct nm_reply *r = &p->reply;
  nm_buf_add(&r->text, text, (size_t)(cr - text));
  if (r->text.err != 0) {
    return 0; /* and so it stays */
  }
  r->code = (bytes[0] - '0') * 100 + (bytes[1] - '0') * 10 + (bytes[2] - '0');
  nm_reply_enhanced(nm_buf_str(&r->text), nm_reply_class(r), r->enhanced);
  p->total_n = (size_t)(cr + 2 - bytes);
  p->lines = 1;
  p->is_last = 1;
  p->complete = 1;
  if (p->total_n <= sizeof p->kept) {
    p->kept_n = p->total_n;
    memcpy(p->kept, bytes, p->kept_n);
  }
  return p->total_n;
}

/* The reply before once more, as the replies to the recipients of a message are mostly one and the same: all that there is to know of it is
   known. */
static int is_said_again(const struct nm_reply_parser *p, const char *bytes, size_t n) {
  return p->kept_n > 0 && n >= p->kept_n && memcmp(bytes, p->kept, p->kept_n) == 0;
}

int nm_reply_parser_step(struct nm_reply_parser *p, const char *bytes, size_t n, size_t *used_out,
                         struct nm_error *e) {
  size_t i = 0;
  p->is_again = is_said_again(p, bytes, n);
  if (p->is_again) {
    *used_out = p->kept_n;
    return 1;
  }
  if (p->complete && n > 0) {
    begin_reply(p);
    p->quotes = 0;
  }
  if (p->total_n == 0 && p->error.code == 0) {
    i = take_line(p, bytes, n);
  }
  while (i < n && !p->complete && p->error.code == 0) {
    if (p->where == IN_TEXT) {
      i += text_run(p, bytes + i, n - i);
    }
    if (i < n && p->error.code == 0) {
      structure_byte(p, bytes[i++]);
    }
  }
  *used_out = i;
  if (p->error.code != 0) {
    if (e != NULL) {
      *e = p->error;
    }
    return p->error.code;
  }
  return n > 0 && p->complete ? 1 : 0;
}

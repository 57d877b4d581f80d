#include "mime/raw.h"

#include "base/chars.h"
#include "mime/head_read.h"
#include "mime/scan.h"
#include "mime/stamp.h"

#define PIECE 16384
/* A header is looked at in one piece: the longest that any MTA takes (Postfix's header_size_limit is a tenth of it). */
#define HEADER_MAX ((size_t)1 << 20)

struct raw {
  struct nm_scan scan;
  struct nm_str header; /* the first octets, up to HEADER_MAX */
  struct nm_buf read;   /* in which they are where the content is not in memory */
  struct nm_error *e;
};

static int refuse(struct raw *r, const char *why) {
  return nm_error_set(r->e, NM_EINVAL, NM_KIND_MESSAGE, "Raw: %s", why);
}

static int read_all(struct raw *r, struct nm_source *s) {
  char piece[PIECE];
  for (;;) {
    size_t n = 0;
    int err = nm_source_read(s, piece, sizeof piece, &n);
    if (err == NM_AGAIN) {
      return refuse(r, "what comes from a function cannot be looked at first; give it as a string or a path");
    }
    if (err != 0) {
      return err == NM_ENOMEM ? nm_error_nomem(r->e)
                              : nm_error_set(r->e, err, NM_KIND_MESSAGE, "Raw: %s", s->error.text);
    }
    if (n == 0) {
      nm_scan_end(&r->scan);
      r->header = nm_buf_str(&r->read);
      return r->read.err == NM_ENOMEM ? nm_error_nomem(r->e) : 0;
    }
    nm_scan_step(&r->scan, piece, n);
    size_t room = r->read.max - r->read.n;
    nm_buf_add(&r->read, piece, n < room ? n : room);
  }
}

static int read_source(struct raw *r, struct nm_content *content, int64_t *size_out) {
  struct nm_source *source = NULL;
  int err = nm_content_open(content, &source, r->e);
  if (err == 0) {
    *size_out = nm_source_size(source);
    err = read_all(r, source);
  }
  nm_source_free(&source);
  return err;
}

static int look(struct raw *r, struct nm_content *content, int64_t *size_out) {
  struct nm_str bytes = nm_content_bytes(content);
  if (bytes.p == NULL) {
    return read_source(r, content, size_out);
  }
  nm_scan_step(&r->scan, bytes.p, bytes.n);
  nm_scan_end(&r->scan);
  r->header = nm_str(bytes.p, bytes.n < HEADER_MAX ? bytes.n : HEADER_MAX);
  *size_out = (int64_t)bytes.n;
  return 0;
}

static void take_id(struct nm_buf *id, struct nm_str value) {
  value = nm_str_trim(value, " \t\r\n");
  if (id != NULL && id->n == 0 && nm_message_id_is_safe(value)) {
    nm_buf_add_str(id, value);
  }
}

static int has_high(struct nm_str s) {
  unsigned high = 0;
  for (size_t i = 0; i < s.n; i++) {
    high |= (unsigned char)s.p[i];
  }
  return (high & 0x80u) != 0;
}

static int check_header(struct raw *r, struct nm_buf *id) {
  struct nm_str bytes = r->header;
  struct nm_head_field field;
  size_t at = 0, fields = 0;
  while (nm_head_next(bytes, &at, &field) && at < HEADER_MAX) { /* what is cut there is not looked at */
    if (field.name.n == 0) {
      return refuse(
          r, "a line of its header is no field; write \"Name: value\", and an empty line before the text");
    }
    if (nm_str_ieq(field.name, NM_STR("Bcc")) || nm_str_ieq(field.name, NM_STR("Resent-Bcc"))) {
      return refuse(
          r, "its header has Bcc, which everybody would read; take the field out and put the addresses into "
             "the property Bcc");
    }
    if (has_high(field.all)) {
      return refuse(
          r, "its header has octets beyond ASCII; encode them (RFC 2047), or read it with MailMessage.Parse");
    }
    if (nm_str_ieq(field.name, NM_STR("Message-ID"))) {
      take_id(id, field.value);
    }
    fields++;
  }
  if (at == HEADER_MAX) {
    return refuse(r, "its header is over 1 MB");
  }
  return fields > 0 ? 0 : refuse(r, "it does not begin with a header; is it a whole message (RFC 5322)?");
}

static int check_lines(struct raw *r) {
  const struct nm_scan *s = &r->scan;
  if (s->nul) {
    return refuse(r, "it has a NUL, which mail cannot carry");
  }
  if (s->too_long) {
    return refuse(
        r,
        "it has a line of more than 998 octets, which servers cut or refuse; read it with MailMessage.Parse, "
        "which encodes it anew");
  }
  if (s->cr > 0) {
    return refuse(r, "it has a bare CR, which mail cannot carry: servers make different lines of it");
  }
  if (s->lf > 0 && s->crlf > 0) {
    return refuse(
        r, "some of its lines end in CRLF and some in LF; mail has CRLF alone, and what was signed with the "
           "others would be broken");
  }
  return 0;
}

static void describe(const struct raw *r, struct nm_encoding *how) {
  *how = (struct nm_encoding){.cte = r->scan.high ? NM_CTE_8BIT : NM_CTE_7BIT,
                              .text = 1,
                              .size = (int64_t)(r->scan.bytes + r->scan.lf),
                              .line_end = nm_scan_line_end(&r->scan),
                              .as_is = r->scan.lf == 0 && r->scan.cr == 0};
}

int nm_raw_scan(struct nm_content *content, struct nm_encoding *how, int64_t *size_out, struct nm_buf *id,
                struct nm_error *e) {
  struct raw r = {.scan = {.utf8_known = 1, .look = NM_LOOK_LINES}, .read = {.max = HEADER_MAX}, .e = e};
  int err = look(&r, content, size_out);
  err = err == 0 ? check_lines(&r) : err; /* first: what is a line is not open to doubt behind it */
  err = err == 0 ? check_header(&r, id) : err;
  describe(&r, how);
  nm_buf_free(&r.read);
  return err;
}

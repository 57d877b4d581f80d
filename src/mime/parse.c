#include "mime/parse.h"

#include "mime/field_read.h"
#include "mime/fields.h"
#include "mime/head_read.h"
#include "mime/parse_state.h"

/* The shortest of what is no message must not become one. */
static int check_head(struct nm_str head, struct nm_error *e) {
  struct nm_head_field f;
  size_t at = 0;
  if (head.n > NM_PARSE_HEAD_MAX) {
    return nm_error_set(e, NM_ELIMIT, NM_KIND_MESSAGE,
                        "the message's header is too long: %zu bytes, at most %zu are allowed", head.n,
                        NM_PARSE_HEAD_MAX);
  }
  while (nm_head_next(head, &at, &f) > 0) {
    if (f.name.n > 0) {
      return 0;
    }
  }
  return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                      "this is not a message: it has no header field (a line \"Name: value\")");
}

static int read_message(struct nm_parse *p, struct nm_str bytes) {
  int err = nm_entities_read(&p->entities, bytes, p->depth, &p->budget->entities, p->e);
  if (err != 0) {
    return err;
  }
  struct nm_str head = nm_parse_entity(p, 0)->head;
  err = check_head(head, p->e);
  err = err == 0 ? nm_parse_head(p, head) : err;
  return err == 0 ? nm_parse_body(p) : err;
}

int nm_parse_message(struct nm_str bytes, unsigned depth, struct nm_parse_budget *budget,
                     struct nm_message **out, struct nm_error *e) {
  struct nm_parse p = {.depth = depth, .budget = budget, .e = e};
  int err = nm_message_new(&p.m) == 0 ? 0 : nm_error_nomem(e);
  err = err == 0 ? read_message(&p, bytes) : err;
  nm_entities_free(&p.entities);
  if (err != 0) {
    nm_message_unref(&p.m);
    return err;
  }
  *out = p.m;
  return 0;
}

/* A content that is no memory: a file. */
static int read_all(struct nm_content *bytes, struct nm_buf *b, struct nm_error *e) {
  struct nm_source *s = NULL;
  int err = nm_content_open(bytes, &s, e);
  size_t n = 1;
  while (err == 0 && n > 0) {
    char *room = nm_buf_room(b, 65536);
    if (room == NULL) {
      break;
    }
    err = nm_source_read(s, room, 65536, &n);
    if (err != 0) {
      nm_error_set(e, err == NM_AGAIN ? NM_EINVAL : err, NM_KIND_MESSAGE, "%s", s->error.text);
      err = err == NM_AGAIN ? NM_EINVAL : err;
      break;
    }
    b->n += n;
  }
  nm_source_free(&s);
  if (err == 0 && b->err == NM_ENOMEM) {
    return nm_error_nomem(e);
  }
  return err;
}

/* A byte order mark, and empty lines, as a mailbox has before a message. */
static struct nm_str without_lead(struct nm_str s) {
  size_t at = s.n >= 3 && memcmp(s.p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
  while (at < s.n && (s.p[at] == '\n' || (s.p[at] == '\r' && at + 1 < s.n && s.p[at + 1] == '\n'))) {
    at++;
  }
  return nm_str(s.p + at, s.n - at);
}

int nm_message_parse(struct nm_content *bytes, struct nm_message **out, struct nm_error *e) {
  struct nm_buf b = {.max = NM_PARSE_MAX};
  struct nm_str s = nm_content_bytes(bytes);
  *out = NULL;
  int err = 0;
  if (s.p == NULL) {
    err = read_all(bytes, &b, e);
    s = nm_buf_str(&b);
  }
  if (err == 0 && (s.n > NM_PARSE_MAX || b.err == NM_ELIMIT)) {
    err = nm_error_set(e, NM_ELIMIT, NM_KIND_MESSAGE, "the message is too long: at most %zu bytes are read",
                       NM_PARSE_MAX);
  }
  struct nm_parse_budget budget = {.entities = NM_ENTITIES_MAX,
                                   .within = NM_PARSE_WITHIN * s.n + NM_PARSE_ROOM,
                                   .text = NM_PARSE_TEXT * s.n + NM_PARSE_ROOM};
  err = err == 0 ? nm_parse_message(without_lead(s), 0, &budget, out, e) : err;
  nm_buf_free(&b);
  return err == NM_ENOMEM ? nm_error_nomem(e) : err; /* found where it had no e, it is said here */
}

#include "mime/message.h"

#include "base/alloc.h"
#include "mime/part.h"
#include "mime/calendar.h"
#include "mime/charset.h"
#include "base/check.h"
#include "mime/msgid.h"
#include "mime/raw.h"
#include "mime/template.h"

/* A charset's name as iconv and IANA have them. */
#define CHARSET_MAX 64
/* RFC 5546 1.4: the longest is DECLINECOUNTER. */
#define METHOD_MAX 32

#define LISTS 10

/* A message, its lists and some room, in one block, which the last of them frees: a list may outlive the message. */
struct whole {
  struct nm_block block;
  struct nm_message message;
  struct nm_list lists[LISTS];
};

/* For what most messages have: two addresses with a name, and what they stand in. */
#define ROOM 352

static void init_lists(struct whole *w) {
  struct nm_message *m = &w->message;
  struct nm_block *block = &w->block;
  struct nm_list **const addresses[] = {&m->reply_to, &m->to, &m->cc, &m->bcc, &m->notify};
  struct nm_list **const parts[] = {&m->attachments, &m->views, &m->linked};
  struct nm_list *next = w->lists;
  for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++, next++) {
    nm_addr_list_init(next, block);
    *addresses[i] = next;
  }
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++, next++) {
    nm_part_list_init(next, block);
    *parts[i] = next;
  }
  m->fields = next++;
  nm_fields_init(m->fields, block);
  m->resent = next;
  nm_resent_list_init(m->resent, block);
}

int nm_message_new(struct nm_message **out) {
  struct whole *w = (struct whole *)(void *)nm_block_new(sizeof *w, sizeof *w + ROOM);
  if (w == NULL) {
    return NM_ENOMEM;
  }
  struct nm_message *m = &w->message;
  m->refs = 1;
  m->subject.max = NM_SUBJECT_MAX;
  m->subject_encoding.max = CHARSET_MAX;
  m->body_encoding.max = CHARSET_MAX;
  m->message_id.max = NM_MSGID_MAX;
  m->raw_id.max = NM_MSGID_MAX;
  m->calendar_method.max = METHOD_MAX;
  m->priority = NM_PRIORITY_NORMAL;
  init_lists(w);
  *out = m;
  return 0;
}

struct nm_block *nm_message_room(const struct nm_message *m) {
  return m->to->block;
}

struct nm_message *nm_message_ref(struct nm_message *m) {
  m->refs++;
  return m;
}

static void drop_text(struct nm_buf *b) {
  if (b->p != NULL) {
    nm_buf_free(b);
  }
}

/* All but the lists. */
static void clear(struct nm_message *m) {
  nm_addr_unref(&m->from);
  nm_addr_unref(&m->sender);
  nm_part_unref(&m->root);
  nm_content_unref(&m->calendar);
  nm_content_unref(&m->raw);
  nm_template_unref(&m->template);
  drop_text(&m->calendar_method);
  drop_text(&m->message_id);
  drop_text(&m->raw_id);
  drop_text(&m->subject);
  drop_text(&m->subject_encoding);
  drop_text(&m->body_encoding);
  nm_content_unref(&m->text);
  nm_content_unref(&m->html);
  nm_part_unref(&m->text_part);
  nm_part_unref(&m->html_part);
}

void nm_message_unref(struct nm_message **at) {
  struct nm_message *m = *at;
  *at = NULL;
  if (m != NULL && --m->refs == 0) {
    struct whole *w = (struct whole *)(void *)nm_message_room(m);
    clear(m);
    nm_lists_unref(w->lists, LISTS);
    nm_block_drop(&w->block);
  }
}

int nm_message_set_subject(struct nm_message *m, struct nm_str subject, struct nm_error *e) {
  int err = nm_check_line("Subject", subject, e);
  return err != 0 ? err : nm_buf_replace(&m->subject, "Subject", subject, e);
}

int nm_message_set_subject_encoding(struct nm_message *m, struct nm_str charset, struct nm_error *e) {
  return nm_charset_keep(&m->subject_encoding, "SubjectEncoding", charset, e);
}

/* How the bodies were written when they were read does not matter any more. */
static void forget_parts(struct nm_message *m) {
  nm_part_unref(&m->text_part);
  nm_part_unref(&m->html_part);
}

int nm_message_set_body_encoding(struct nm_message *m, struct nm_str charset, struct nm_error *e) {
  int err = nm_charset_keep(&m->body_encoding, "BodyEncoding", charset, e);
  if (err == 0) {
    forget_parts(m);
  }
  return err;
}

int nm_message_set_body_transfer_encoding(struct nm_message *m, struct nm_str name, struct nm_error *e) {
  int err = nm_cte_wish_set(&m->body_wish, "BodyTransferEncoding", name, e);
  if (err == 0) {
    forget_parts(m);
  }
  return err;
}

static int check_text(const char *field, struct nm_str text, struct nm_error *e) {
  if (text.n > NM_BODY_MAX) {
    return nm_error_set(e, NM_ELIMIT, NM_KIND_MESSAGE,
                        "%s is too long: %zu bytes, at most %zu are allowed; attach it as a file", field,
                        text.n, NM_BODY_MAX);
  }
  return nm_check_text(field, text, e);
}

/* One of the texts, and the part that it may have been read from. held: what the bytes lie in; NULL: they are copied. */
struct place {
  const char *field;
  struct nm_content **content;
  struct nm_part **part;
  struct nm_held *held;
};

static int set_text(const struct place *at, struct nm_str text, struct nm_error *e) {
  struct nm_content *fresh = NULL;
  int err = text.p != NULL ? check_text(at->field, text, e) : 0;
  if (err == 0 && text.p != NULL) {
    err = at->held != NULL ? nm_content_held(text, at->held, &fresh, e) : nm_content_memory(text, &fresh, e);
  }
  if (at->held != NULL) {
    nm_held_set(at->held, NULL, NULL); /* not taken, then */
  }
  if (err != 0) {
    return err;
  }
  nm_content_unref(at->content);
  nm_part_unref(at->part);
  *at->content = fresh;
  return 0;
}

int nm_message_hold_text(struct nm_message *m, enum nm_message_body which, struct nm_str text,
                         struct nm_held *held, struct nm_error *e) {
  static const char *const fields[] = {"Text", "Html", "Body"};
  int is_html = which == NM_MESSAGE_HTML || (which == NM_MESSAGE_BODY && m->is_body_html);
  struct place at = {fields[which], is_html ? &m->html : &m->text, is_html ? &m->html_part : &m->text_part,
                     held};
  return set_text(&at, text, e);
}

int nm_message_set_text(struct nm_message *m, struct nm_str text, struct nm_error *e) {
  return nm_message_hold_text(m, NM_MESSAGE_TEXT, text, NULL, e);
}

int nm_message_set_html(struct nm_message *m, struct nm_str html, struct nm_error *e) {
  return nm_message_hold_text(m, NM_MESSAGE_HTML, html, NULL, e);
}

/* "The default charset for an iCalendar stream is UTF-8" (RFC 5545 3.1.4) and its first line is BEGIN:VCALENDAR, so a byte order
   mark, which some programs put into .ics files, says nothing and is in nobody's grammar (RFC 3629 6). */
static struct nm_str without_bom(struct nm_str s) {
  static const char bom[] = "\xef\xbb\xbf";
  return s.n >= 3 && memcmp(s.p, bom, 3) == 0 ? nm_str(s.p + 3, s.n - 3) : s;
}

int nm_message_set_calendar(struct nm_message *m, struct nm_str ics, struct nm_error *e) {
  ics = without_bom(ics);
  struct nm_buf method = {.max = m->calendar_method.max};
  int err = ics.p != NULL ? nm_calendar_method(ics, &method, e) : 0;
  struct nm_part *none = NULL;
  err = err == 0 ? set_text(&(struct place){"Calendar", &m->calendar, &none, NULL}, ics, e) : err;
  if (err != 0) {
    nm_buf_free(&method);
    return err;
  }
  nm_buf_free(&m->calendar_method);
  m->calendar_method = method;
  return 0;
}

/* Only into an empty place: a message that was given both Text and Html keeps both. */
void nm_message_set_is_body_html(struct nm_message *m, int on) {
  struct nm_content **from = on ? &m->text : &m->html;
  struct nm_content **to = on ? &m->html : &m->text;
  if (!m->is_body_html != !on && *to == NULL) {
    *to = *from;
    *from = NULL;
    forget_parts(m);
  }
  m->is_body_html = on != 0;
}

int nm_message_set_raw(struct nm_message *m, struct nm_content *raw, struct nm_error *e) {
  struct nm_buf id = {.max = NM_MSGID_MAX};
  struct nm_encoding how;
  int64_t size = 0;
  int err = raw != NULL ? nm_raw_scan(raw, &how, &size, &id, e) : 0;
  if (err != 0 || id.err != 0) {
    nm_buf_free(&id);
    return err != 0 ? err : nm_error_nomem(e);
  }
  nm_buf_free(&m->raw_id);
  m->raw_id = id;
  nm_content_unref(&m->raw);
  m->raw = raw != NULL ? nm_content_ref(raw) : NULL;
  m->raw_how = raw != NULL ? how : (struct nm_encoding){0};
  return 0;
}

int nm_message_set_message_id(struct nm_message *m, struct nm_str id, struct nm_error *e) {
  struct nm_buf fresh = {.max = m->message_id.max};
  if (m->raw != NULL) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                        "MessageId cannot be set on a message that is sent as it is (Raw): it has its own");
  }
  int err = nm_check_line("MessageId", id, e);
  if (err == 0 && id.p != NULL) {
    err = nm_msgid_list(&fresh, "MessageId", id, 1, e);
    err = err == 0 && fresh.err != 0 ? nm_error_nomem(e) : err;
  }
  if (err != 0) {
    nm_buf_free(&fresh);
    return err;
  }
  nm_buf_free(&m->message_id);
  m->message_id = fresh;
  return 0;
}

int nm_message_set_one_click(struct nm_message *m, int on, struct nm_error *e) {
  struct nm_str name = NM_STR("List-Unsubscribe-Post");
  if (!on) {
    nm_fields_remove(m->fields, name);
    return 0;
  }
  int err = nm_fields_check_one_click(m->fields, e);
  return err != 0 ? err : nm_fields_set(m->fields, name, NM_STR("List-Unsubscribe=One-Click"), e);
}

int nm_message_resend(struct nm_message *m, struct nm_resent *r, struct nm_error *e) {
  if (r->from == NULL || r->to->n + r->cc->n + r->bcc->n == 0) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "Resend needs %s",
                        r->from == NULL ? "From, the address of who resends" : "recipients in To, CC or Bcc");
  }
  int err = r->message_id.n == 0 ? nm_message_id_make(r->from, &r->message_id, e) : 0;
  if (err == 0) {
    err = nm_list_add(m->resent, r);
    if (err == NM_ELIMIT) {
      return nm_error_set(e, err, NM_KIND_MESSAGE, "a message that was resent %d times is refused",
                          NM_RESENT_MAX);
    }
    err = err != 0 ? nm_error_nomem(e) : 0;
  }
  return err;
}

const struct nm_resent *nm_message_resent(const struct nm_message *m) {
  const struct nm_resent *newest = m->resent->n > 0 ? m->resent->items[m->resent->n - 1] : NULL;
  return newest != NULL && !newest->is_read ? newest : NULL;
}

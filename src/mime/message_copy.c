#include "base/alloc.h"
#include "mime/template.h"

static int copy_lists(struct nm_message *to, const struct nm_message *from) {
  struct {
    struct nm_list *to;
    const struct nm_list *from;
  } lists[] = {
      {to->reply_to, from->reply_to},
      {to->to, from->to},
      {to->cc, from->cc},
      {to->bcc, from->bcc},
      {to->notify, from->notify},
      {to->fields, from->fields},
      {to->resent, from->resent},
      {to->views, from->views},
      {to->linked, from->linked},
      {to->attachments, from->attachments},
  };
  int err = 0;
  for (size_t i = 0; i < sizeof lists / sizeof lists[0] && err == 0; i++) {
    err = lists[i].from->n > 0 ? nm_list_assign(lists[i].to, lists[i].from) : 0;
  }
  return err;
}

static int copy_texts(struct nm_message *to, const struct nm_message *from) {
  struct {
    struct nm_buf *to;
    const struct nm_buf *from;
  } texts[] = {
      {&to->subject, &from->subject},
      {&to->subject_encoding, &from->subject_encoding},
      {&to->body_encoding, &from->body_encoding},
      {&to->calendar_method, &from->calendar_method},
      {&to->message_id, &from->message_id},
      {&to->raw_id, &from->raw_id},
  };
  int err = 0;
  for (size_t i = 0; i < sizeof texts / sizeof texts[0] && err == 0; i++) {
    err = texts[i].from->n > 0 ? nm_buf_replace(texts[i].to, "", nm_buf_str(texts[i].from), NULL) : 0;
  }
  return err;
}

static struct nm_addr *same_addr(struct nm_addr *a) {
  return a != NULL ? nm_addr_ref(a) : NULL;
}

static struct nm_content *same_content(struct nm_content *c) {
  return c != NULL ? nm_content_ref(c) : NULL;
}

static struct nm_part *same_part(struct nm_part *p) {
  return p != NULL ? nm_part_ref(p) : NULL;
}

/* Every member of struct nm_message is here or in one of the two lists above. */
static void copy_values(struct nm_message *to, const struct nm_message *from) {
  to->from = same_addr(from->from);
  to->sender = same_addr(from->sender);
  to->text = same_content(from->text);
  to->html = same_content(from->html);
  to->calendar = same_content(from->calendar);
  to->raw = same_content(from->raw);
  to->raw_how = from->raw_how;
  to->template = from->template != NULL ? nm_template_ref(from->template) : NULL;
  to->text_from_html = from->text_from_html;
  to->text_part = same_part(from->text_part);
  to->html_part = same_part(from->html_part);
  to->root = same_part(from->root);
  to->is_body_html = from->is_body_html;
  to->body_wish = from->body_wish;
  to->priority = from->priority;
  to->has_date = from->has_date;
  to->date = from->date;
  to->date_offset = from->date_offset;
}

int nm_message_copy(const struct nm_message *m, struct nm_message **out) {
  struct nm_message *copy = NULL;
  int err = nm_message_new(&copy);
  if (err != 0) {
    return err;
  }
  copy_values(copy, m);
  err = copy_lists(copy, m);
  err = err == 0 ? copy_texts(copy, m) : err;
  if (err != 0) {
    nm_message_unref(&copy);
    return NM_ENOMEM;
  }
  *out = copy;
  return 0;
}

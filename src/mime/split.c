#include "mime/split.h"

#include <stdio.h>

#include "base/alloc.h"
#include "mime/head_read.h"
#include "mime/pieces.h"

/* Text that is held whole, and messages it may become. */
#define WHOLE_MAX NM_BODY_MAX
#define PIECES_MAX 10000

static void ref_item(void *item) {
  nm_message_ref(item);
}

static void unref_item(void *item) {
  struct nm_message *m = item;
  nm_message_unref(&m);
}

struct nm_list *nm_message_list_new(void) {
  static const struct nm_list_type type = {ref_item, unref_item};
  return nm_list_new(&type, PIECES_MAX);
}

struct split {
  const struct nm_message *m;
  const struct nm_stamp *stamp;
  struct nm_buf whole;
  size_t room; /* octets of whole in one piece */
  size_t total;
  struct nm_list *out;
  struct nm_error *e;
};

static int read_whole(struct split *s, struct nm_source *source) {
  for (;;) {
    size_t n = 0;
    char *to = nm_buf_room(&s->whole, 65536);
    int err = to != NULL ? nm_source_read(source, to, 65536, &n) : s->whole.err;
    if (err == NM_AGAIN) {
      return nm_error_set(
          s->e, NM_EINVAL, NM_KIND_MESSAGE,
          "a message with a content from a function or an open file cannot be split; give it as a string "
          "or a path");
    }
    if (err == NM_ELIMIT) {
      return nm_error_set(s->e, err, NM_KIND_MESSAGE, "a message over %zu bytes cannot be split", WHOLE_MAX);
    }
    if (err != 0) {
      return to == NULL ? nm_error_nomem(s->e)
                        : nm_error_set(s->e, err, NM_KIND_MESSAGE, "%s", source->error.text);
    }
    if (n == 0) {
      return 0;
    }
    s->whole.n += n;
  }
}

static int render_whole(struct split *s) {
  struct nm_source *source = NULL;
  int err = nm_message_render(s->m, s->stamp, &source, s->e);
  if (err == 0 && (nm_pieces_cte(source) == NM_CTE_8BIT || nm_pieces_cte(source) == NM_CTE_BINARY)) {
    err = nm_error_set(
        s->e, NM_EINVAL, NM_KIND_MESSAGE,
        "a message with octets beyond ASCII cannot be split; read it with MailMessage.Parse first");
  }
  err = err == 0 ? read_whole(s, source) : err;
  nm_source_free(&source);
  return err;
}

/* partial-params: id number total   (RFC 2046 5.2.2) */
static int set_params(struct split *s, struct nm_part *part, size_t number) {
  char count[24];
  struct nm_str id = s->stamp->message_id;
  id = id.n > 2 ? nm_str(id.p + 1, id.n - 2) : NM_STR("message");
  int err = nm_part_set_param(part, NM_STR("id"), id, s->e);
  snprintf(count, sizeof count, "%zu", number);
  err = err == 0 ? nm_part_set_param(part, NM_STR("number"), nm_str_c(count), s->e) : err;
  snprintf(count, sizeof count, "%zu", s->total);
  return err == 0 ? nm_part_set_param(part, NM_STR("total"), nm_str_c(count), s->e) : err;
}

static int make_part(struct split *s, size_t number, struct nm_str bytes, struct nm_part **out) {
  struct nm_content *content = NULL;
  int err = nm_content_memory(bytes, &content, s->e);
  err = err == 0 ? nm_part_new(content, NM_STR(""), out, s->e) : err;
  nm_content_unref(&content);
  err = err == 0 ? nm_part_set_type(*out, NM_STR("message/partial"), s->e) : err;
  return err == 0 ? set_params(s, *out, number) : err;
}

/* Its own header is that of the whole but for what belongs to the content, and the id: reassembling takes those from within. */
static int make_message(struct split *s, size_t number, struct nm_part *part, struct nm_message **out) {
  struct nm_message *m = NULL;
  if (nm_message_copy(s->m, &m) != 0) {
    return nm_error_nomem(s->e);
  }
  nm_content_unref(&m->text);
  nm_content_unref(&m->html);
  nm_content_unref(&m->calendar);
  nm_part_unref(&m->text_part);
  nm_part_unref(&m->html_part);
  nm_list_clear(m->views);
  nm_list_clear(m->linked);
  nm_list_clear(m->attachments);
  nm_buf_reset(&m->message_id);
  nm_part_unref(&m->root);
  m->root = nm_part_ref(part);
  m->has_date = 1;
  m->date = s->stamp->date;
  m->date_offset = s->stamp->offset;
  nm_buf_addf(&m->subject, "%s(%zu/%zu)", m->subject.n > 0 ? " " : "", number, s->total);
  *out = m;
  return m->subject.err != 0 ? nm_error_nomem(s->e) : nm_message_id_make(m->from, &m->message_id, s->e);
}

static int make_piece(struct split *s, size_t number, struct nm_str bytes, struct nm_message **out) {
  struct nm_part *part = NULL;
  int err = make_part(s, number, bytes, &part);
  err = err == 0 ? make_message(s, number, part, out) : err;
  nm_part_unref(&part);
  return err;
}

/* What the header of a piece takes at most: that of an empty one whose numbers have as many digits as they can get. */
static int measure_header(struct split *s, size_t max) {
  struct nm_message *probe = NULL;
  struct nm_source *source = NULL;
  struct nm_stamp stamp = *s->stamp;
  s->total = PIECES_MAX;
  int err = make_piece(s, PIECES_MAX, NM_STR(""), &probe);
  stamp.message_id = err == 0 ? nm_buf_str(&probe->message_id) : nm_str("", 0);
  err = err == 0 ? nm_message_render(probe, &stamp, &source, s->e) : err;
  size_t header = err == 0 ? (size_t)nm_source_size(source) : 0;
  nm_source_free(&source);
  nm_message_unref(&probe);
  if (err == 0 && max < header + NM_SCAN_LINE_MAX + 2) {
    err = nm_error_set(s->e, NM_ELIMIT, NM_KIND_MESSAGE,
                       "the header alone has %zu bytes; allow pieces of at least %zu", header,
                       header + NM_SCAN_LINE_MAX + 2);
  }
  s->room = err == 0 ? max - header : 0;
  return err;
}

/* The end of the piece that begins at at: after as many whole lines as there is room for. */
static size_t piece_end(const struct split *s, size_t at) {
  size_t end = s->whole.n - at > s->room ? at + s->room : s->whole.n;
  while (end < s->whole.n && s->whole.p[end - 1] != '\n') {
    end--;
  }
  return end;
}

static size_t count_pieces(const struct split *s) {
  size_t n = 0;
  for (size_t at = 0; at < s->whole.n; at = piece_end(s, at)) {
    n++;
  }
  return n;
}

static int cut(struct split *s) {
  s->total = count_pieces(s);
  if (s->total > PIECES_MAX) {
    return nm_error_set(s->e, NM_ELIMIT, NM_KIND_MESSAGE, "that would be more than %d messages", PIECES_MAX);
  }
  size_t at = 0;
  int err = 0;
  for (size_t number = 1; number <= s->total && err == 0; number++) {
    struct nm_message *piece = NULL;
    size_t end = piece_end(s, at);
    err = make_piece(s, number, nm_str(s->whole.p + at, end - at), &piece);
    err = err == 0 && nm_list_add(s->out, piece) != 0 ? nm_error_nomem(s->e) : err;
    nm_message_unref(&piece);
    at = end;
  }
  return err;
}

static int add_copy(struct split *s) {
  struct nm_message *copy = NULL;
  int err = nm_message_copy(s->m, &copy);
  err = err == 0 ? nm_list_add(s->out, copy) : err;
  nm_message_unref(&copy);
  return err != 0 ? nm_error_nomem(s->e) : 0;
}

int nm_message_split(const struct nm_message *m, const struct nm_stamp *stamp, size_t max,
                     struct nm_list *out, struct nm_error *e) {
  struct split s = {.m = m, .stamp = stamp, .whole = {.max = WHOLE_MAX}, .out = out, .e = e};
  if (max < NM_SPLIT_MIN) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "pieces of less than %d bytes are refused",
                        NM_SPLIT_MIN);
  }
  if (m->raw != NULL) {
    return nm_error_set(
        e, NM_EINVAL, NM_KIND_MESSAGE,
        "a message that is sent as it is cannot be split; read it with MailMessage.Parse first");
  }
  int err = render_whole(&s);
  if (err == 0 && s.whole.n <= max) {
    err = add_copy(&s);
  } else if (err == 0) {
    err = measure_header(&s, max);
    err = err == 0 ? cut(&s) : err;
  }
  nm_buf_free(&s.whole);
  return err;
}

#include "base/chars.h"
#include "mime/decoder.h"
#include "mime/encword_read.h"
#include "mime/head_read.h"
#include "mime/parse_state.h"
#include "mime/scan.h"

/* ---- message/rfc822 ---- */

/* Where nm_boundary_write counted to, and its octets, from the first boundary of ours in a message. */
static void find_boundary(struct nm_str s, struct nm_stamp *stamp) {
  static const char mark[] = "boundary=\"=_";
  const char *at = s.n > 0 ? memmem(s.p, s.n, mark, sizeof mark - 1) : NULL;
  size_t i = at != NULL ? (size_t)(at - s.p) + sizeof mark - 1 : s.n;
  unsigned n = 0;
  while (i < s.n && nm_is((unsigned char)s.p[i], NM_CHAR_DIGIT) && n < 1000000) {
    n = n * 10 + (unsigned)(s.p[i++] - '0');
  }
  if (n == 0 || s.n - i < 1 + 2 * sizeof stamp->boundary) {
    return;
  }
  for (size_t k = 0; k < 2 * sizeof stamp->boundary; k++) {
    char c = s.p[i + 1 + k];
    unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0') : (unsigned)(nm_lower(c) - 'a' + 10) & 15;
    stamp->boundary[k / 2] = (unsigned char)((unsigned)stamp->boundary[k / 2] << 4 | digit);
  }
  stamp->boundaries = n - 1;
}

/* The source gives exactly s, or s and a last CRLF that is the delimiter's. */
static int gives(struct nm_source *source, struct nm_str s) {
  char piece[4096];
  size_t at = 0, n = 1, beyond = 0;
  while (nm_source_read(source, piece, sizeof piece, &n) == 0 && n > 0) {
    size_t same = n < s.n - at ? n : s.n - at;
    if ((same > 0 && memcmp(piece, s.p + at, same) != 0) || n - same > 2 - beyond ||
        memcmp(piece + same, &"\r\n"[beyond], n - same) != 0) {
      return 0;
    }
    at += same;
    beyond += n - same;
  }
  return n == 0 && at == s.n && beyond != 1;
}

static struct nm_stamp stamp_of(const struct nm_message *m) {
  return (struct nm_stamp){.date = m->date,
                           .offset = m->date_offset,
                           .message_id = nm_buf_str(&m->message_id),
                           .allowed = NM_ALLOW_8BIT | NM_ALLOW_BINARY};
}

/* Whether m, written again, has these octets; NM_ENOMEM. */
static int is_same(const struct nm_message *m, struct nm_str octets) {
  struct nm_stamp stamp = stamp_of(m);
  struct nm_source *source = NULL;
  find_boundary(octets, &stamp);
  int err = m->has_date ? nm_message_render(m, &stamp, &source, NULL) : NM_EINVAL;
  if (err != 0) {
    return err == NM_ENOMEM ? err : 0;
  }
  int same = gives(source, octets);
  nm_source_free(&source);
  return same;
}

/* Whether it can be written at all, where its octets cannot go as they are; NM_ENOMEM. */
static int must_be_written(const struct nm_message *m, struct nm_str octets) {
  struct nm_scan scan = nm_scan_of(octets.p, octets.n);
  struct nm_stamp stamp = stamp_of(m);
  struct nm_source *source = NULL;
  stamp.allowed = 0;
  if ((nm_scan_is_7bit(&scan) && scan.cr == 0) || !m->has_date) {
    return 0;
  }
  int err = nm_message_render(m, &stamp, &source, NULL);
  nm_source_free(&source);
  return err == NM_ENOMEM ? err : err == 0;
}

int nm_parse_embedded(struct nm_parse *p, const struct nm_entity *entity, struct nm_part **out) {
  enum nm_cte cte;
  struct nm_message *m = NULL;
  struct nm_error why = {0};
  if (nm_cte_read(nm_entity_field(entity, NM_STR("Content-Transfer-Encoding")), &cte) != 0 ||
      cte == NM_CTE_QP || cte == NM_CTE_BASE64 || p->depth + 1 >= NM_ENTITY_DEPTH_MAX ||
      entity->body.n > p->budget->within) {
    return 0;
  }
  p->budget->within -= entity->body.n;
  int err = nm_parse_message(entity->body, p->depth + 1, p->budget, &m, &why);
  int fits = err == 0 ? is_same(m, entity->body) : err;
  fits = fits == 0 ? must_be_written(m, entity->body) : fits;
  err = fits == 1 ? nm_part_new_message(m, out, &why) : fits;
  nm_message_unref(&m);
  return err == NM_ENOMEM ? nm_error_nomem(p->e) : 0; /* what cannot be read as a message stays as it is */
}

/* ---- message/external-body ---- */

/* What the header of what is elsewhere may say for us to know it. */
static int set_field(struct nm_part *part, const struct nm_head_field *f) {
  static const struct nm_str made = {"@external.invalid",
                                     17}; /* mime/render.c writes it where there is no id */
  struct nm_buf text = {.max = 4096};
  struct nm_error why = {0};
  int err = 0;
  if (nm_str_ieq(f->name, NM_STR("Content-ID"))) {
    nm_encword_read_text(&text, f->value, NULL);
    int is_made = text.n > made.n + 1 && memcmp(text.p + text.n - made.n - 1, made.p, made.n) == 0;
    err = text.err != 0 ? text.err : is_made ? 0 : nm_part_set_content_id(part, nm_buf_str(&text), &why);
  } else if (nm_str_ieq(f->name, NM_STR("Content-Disposition"))) {
    struct nm_typed d;
    err = nm_typed_read(&d, f->value);
    if (err == 0) {
      struct nm_str name = nm_typed_get(&d, NM_STR("filename"));
      part->disposition =
          nm_str_ieq(d.type, NM_STR("inline")) ? NM_DISPOSITION_INLINE : NM_DISPOSITION_ATTACHMENT;
      err = name.n > 0 ? nm_part_set_name(part, name, &why) : 0;
      nm_typed_free(&d);
    }
  } else if (nm_str_ieq(f->name, NM_STR("Content-Location"))) {
    nm_encword_read_text(&text, f->value, NULL);
    err = text.err != 0 ? text.err : nm_part_set_location(part, nm_buf_str(&text), &why);
  } else if (nm_str_ieq(f->name, NM_STR("Content-Language"))) {
    nm_encword_read_text(&text, f->value, NULL);
    err = text.err != 0 ? text.err : nm_part_set_language(part, nm_buf_str(&text), &why);
  } else if (!nm_str_ieq(f->name, NM_STR("Content-Type")) &&
             !nm_str_ieq(f->name, NM_STR("Content-Transfer-Encoding"))) {
    err = NM_EINVAL;
  }
  nm_buf_free(&text);
  return err;
}

static int set_inner_type(struct nm_part *part, struct nm_str value) {
  struct nm_typed type;
  struct nm_error why = {0};
  struct nm_buf full = {.max = 1000};
  int err = nm_typed_read(&type, value);
  if (err != 0) {
    return err;
  }
  nm_buf_add_str(&full, type.type);
  nm_buf_add_byte(&full, '/');
  nm_buf_add_str(&full, type.subtype);
  err = full.err != 0 ? full.err : nm_part_set_type(part, nm_buf_str(&full), &why);
  for (size_t i = 0; i < type.n && err == 0; i++) {
    err = nm_str_ieq(type.items[i].name, NM_STR("name"))
              ? nm_part_set_name(part, type.items[i].value, &why)
              : nm_part_set_param(part, type.items[i].name, type.items[i].value, &why);
  }
  nm_buf_free(&full);
  nm_typed_free(&type);
  return err;
}

/* The header behind the empty line is that of the content, which is not here (RFC 2046 5.2.3). */
static int read_inner(struct nm_str body, struct nm_part *part) {
  struct nm_head_field f;
  size_t at = 0;
  int err = 0;
  struct nm_str type = nm_str(NULL, 0);
  enum nm_disposition disposition = NM_DISPOSITION_NONE;
  while (err == 0 && nm_head_next(body, &at, &f) > 0) {
    part->disposition = disposition;
    err = set_field(part, &f);
    if (nm_str_ieq(f.name, NM_STR("Content-Disposition"))) {
      disposition = part->disposition;
    } else if (nm_str_ieq(f.name, NM_STR("Content-Type")) && type.p == NULL) {
      type = f.value;
    }
  }
  part->disposition = disposition;
  if (err == 0 && (at < body.n || type.p == NULL)) {
    err = NM_EINVAL;
  }
  return err == 0 ? set_inner_type(part, type) : err;
}

static int read_outer(const struct nm_entity *entity, struct nm_part *part) {
  struct nm_head_field f;
  struct nm_error why = {0};
  size_t at = 0;
  int err = 0;
  while (err == 0 && nm_head_next(entity->head, &at, &f) > 0) {
    if (nm_str_ieq(f.name, NM_STR("Content-Description"))) {
      struct nm_buf text = {.max = 65536};
      nm_encword_read_text(&text, f.value, NULL);
      err = text.err != 0 ? text.err : nm_part_set_description(part, nm_buf_str(&text), &why);
      nm_buf_free(&text);
    } else if (!nm_str_ieq(f.name, NM_STR("Content-Type"))) {
      err = NM_EINVAL;
    }
  }
  return err;
}

int nm_parse_external(struct nm_parse *p, const struct nm_entity *entity, struct nm_part **out) {
  struct nm_params access = {0};
  struct nm_error why = {0};
  int err = entity == p->entities.items ? NM_EINVAL : 0; /* a whole message of it has other fields, too */
  for (size_t i = 0; i < entity->type.n && err == 0; i++) {
    err = nm_params_set(&access, entity->type.items[i].name, entity->type.items[i].value, &why);
  }
  err = err == 0 ? nm_part_new_external(&access, out, &why) : err;
  err = err == 0 ? read_outer(entity, *out) : err;
  err = err == 0 ? read_inner(entity->body, *out) : err;
  nm_params_free(&access);
  if (err != 0) {
    nm_part_unref(out);
  }
  return err == NM_ENOMEM ? nm_error_nomem(p->e) : 0;
}

/* Leaves: their octets, and texts. */

#include "mime/charset.h"
#include "mime/decoder.h"
#include "mime/parse_state.h"

int nm_parse_octets(struct nm_parse *p, const struct nm_entity *entity, struct nm_content **out, int *cte) {
  struct nm_decoder d = {.cte = NM_CTE_7BIT};
  struct nm_buf octets = {.max = NM_PARSE_MAX + NM_DECODER_ROOM(0)};
  *cte = nm_cte_read(nm_entity_field(entity, NM_STR("Content-Transfer-Encoding")), &d.cte) == 0 ? (int)d.cte
                                                                                                : -1;
  char *room = nm_buf_room(&octets, NM_DECODER_ROOM(entity->body.n));
  if (room == NULL) {
    return nm_error_nomem(p->e);
  }
  octets.n = nm_decoder_step(&d, entity->body.p, entity->body.n, room);
  octets.n += nm_decoder_flush(&d, room + octets.n);
  int err = nm_content_take(&octets, out, p->e);
  nm_buf_free(&octets);
  return err;
}

/* The encoding that is chosen for these octets; NM_EINVAL when the wish cannot be had. */
static int choose(struct nm_content *octets, int text, const struct nm_cte_wish *wish, enum nm_cte *out) {
  struct nm_source *s = NULL;
  struct nm_scan scan;
  struct nm_encoding how = {.cte = NM_CTE_BASE64};
  int err = nm_content_open(octets, &s, NULL);
  err = err == 0 ? nm_encoding_choose(s, text, wish, &scan, &how) : err;
  nm_source_free(&s);
  *out = how.cte;
  return err;
}

int nm_parse_wish(struct nm_parse *p, struct nm_part *part, struct nm_content *octets, int text,
                  int looked_at, int cte) {
  struct nm_cte_wish wish = {.is_forced = 1, .allowed = NM_ALLOW_8BIT | NM_ALLOW_BINARY};
  enum nm_cte ours = NM_CTE_BASE64, forced = NM_CTE_BASE64;
  int err = looked_at ? choose(octets, text, NULL, &ours) : 0;
  if (err == 0 && cte >= 0 && ours != (enum nm_cte)cte) {
    wish.forced = (enum nm_cte)cte;
    err = choose(octets, text, &wish, &forced);
    if (err == 0 && forced == wish.forced) {
      wish.allowed = 0;
      part->wish = wish;
    }
  }
  return err == NM_ENOMEM ? nm_error_nomem(p->e) : 0;
}

static struct nm_str charset_of(const struct nm_entity *entity) {
  struct nm_str charset = nm_typed_get(&entity->type, NM_STR("charset"));
  return charset.p != NULL ? charset : nm_str("", 0);
}

/* A part's octets as UTF-8; NM_EINVAL when they are no text in that charset, or too much of it. */
static int to_utf8(struct nm_parse *p, struct nm_str charset, struct nm_str octets, struct nm_content **out) {
  size_t bad = 0, left = p->budget->text;
  struct nm_buf utf8 = {.max = left < NM_BODY_MAX ? left : NM_BODY_MAX};
  nm_buf_add(&utf8, "", 0);
  int err = nm_charset_decode(charset, octets, &utf8, &bad);
  if (err == 0 && (bad > 0 || memchr(utf8.p, '\0', utf8.n) != NULL)) {
    err = NM_EINVAL;
  }
  if (err == NM_ELIMIT) { /* no other one is tried in vain */
    p->budget->text = 0;
  } else if (err == 0) {
    p->budget->text -= utf8.n;
    err = nm_content_take(&utf8, out, p->e);
  }
  nm_buf_free(&utf8);
  return err == NM_ENOMEM ? nm_error_nomem(p->e) : err == 0 ? 0 : NM_EINVAL;
}

/* The octets of a leaf, decoded, and their text. */
static int read_text(struct nm_parse *p, const struct nm_entity *entity, struct nm_content **octets, int *cte,
                     struct nm_content **text) {
  int err = nm_parse_octets(p, entity, octets, cte);
  err = err == 0 && *cte < 0 ? NM_EINVAL : err;
  return err == 0 ? to_utf8(p, charset_of(entity), nm_content_bytes(*octets), text) : err;
}

int nm_parse_text(struct nm_parse *p, size_t i, struct nm_content **out) {
  struct nm_content *octets = NULL;
  int cte;
  int err = read_text(p, nm_parse_entity(p, i), &octets, &cte, out);
  nm_content_unref(&octets);
  return err;
}

/* 0 when the text in that charset has these octets (us-ascii is read as UTF-8, and is not that); NM_EINVAL. */
static int comes_back(struct nm_parse *p, struct nm_str charset, struct nm_content *utf8,
                      struct nm_content *octets) {
  int gives = nm_charset_is_utf8(charset)
                  ? 1
                  : nm_charset_gives(charset, nm_content_bytes(utf8), nm_content_bytes(octets));
  if (gives == 0) {
    p->budget->text += nm_content_bytes(utf8).n; /* it is not kept */
  }
  return gives < 0 ? nm_error_nomem(p->e) : gives ? 0 : NM_EINVAL;
}

/* text, of those octets, as a part. */
static int make_text(struct nm_parse *p, const struct nm_entity *entity, struct nm_content *octets,
                     struct nm_content *text, int cte, struct nm_part **out) {
  int err = nm_part_new_text(text, out, p->e);
  err = err == 0 ? nm_parse_type(*out, entity) : err;
  err = err == 0 ? nm_parse_fields(p, entity, *out) : err;
  err = err == 0 ? nm_parse_wish(p, *out, octets, 1, 1, cte) : err;
  if (err != 0) {
    nm_part_unref(out);
  }
  return err;
}

int nm_parse_text_part(struct nm_parse *p, size_t i, struct nm_part **out) {
  const struct nm_entity *entity = nm_parse_entity(p, i);
  struct nm_content *octets = NULL, *text = NULL;
  int cte;
  *out = NULL;
  int err = read_text(p, entity, &octets, &cte, &text);
  err = err == 0 ? comes_back(p, charset_of(entity), text, octets) : err;
  err = err == 0 ? make_text(p, entity, octets, text, cte, out) : err;
  nm_content_unref(&octets);
  nm_content_unref(&text);
  return err;
}

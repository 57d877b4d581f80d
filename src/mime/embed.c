#include "mime/embed.h"

#include "base/alloc.h"
#include "base/beneath.h"
#include "base/chars.h"
#include "base/random.h"
#include "mime/data_uri.h"
#include "mime/embed_table.h"
#include "mime/html_images.h"
#include "mime/mediatype.h"

#define TYPE_MAX 255

struct embed {
  struct nm_beneath base;
  int has_base;
  struct nm_list *linked; /* what the message has, and the new ones */
  struct nm_buf html;     /* the new one */
  struct nm_buf target;   /* of the reference at hand: its path or URI */
  struct nm_buf type;
  struct nm_buf bytes;
  struct nm_embed_table paths;    /* by path: a file is read once */
  struct nm_embed_table contents; /* by bytes */
  size_t all;                     /* octets embedded */
  unsigned char random[16];
  struct nm_error *e;
};

/* ---- a picture ---- */

static int is_image(struct nm_str type) {
  return type.n > 6 && nm_str_istarts(type, NM_STR("image/"));
}

static int fail_type(struct embed *x, const char *what, struct nm_str shown) {
  return nm_error_set(x->e, NM_EINVAL, NM_KIND_MESSAGE,
                      "%s \"%.*s\" is of the type %.*s, and only pictures (image/...) are embedded", what,
                      nm_shown(shown, 300), shown.p, (int)x->type.n, x->type.p);
}

static int read_data(struct embed *x) {
  struct nm_str uri = nm_buf_str(&x->target);
  int err = nm_data_uri_read(uri, &x->type, &x->bytes, x->e);
  if (err == 0 && !is_image(nm_buf_str(&x->type))) {
    err = fail_type(x, "the data: URI", nm_str(uri.p, uri.n < 40 ? uri.n : 40));
  }
  return err;
}

/* The type first: what is no picture is not even opened. */
static int read_file(struct embed *x) {
  struct nm_str path = nm_buf_str(&x->target);
  nm_buf_add_c(&x->type, nm_media_type_by_name(nm_part_file_name(path)));
  if (x->type.err != 0) {
    return nm_error_nomem(x->e);
  }
  struct nm_str type = nm_buf_str(&x->type);
  int err = nm_beneath_check(&x->base, path, x->e);
  if (err == 0 && !is_image(type)) {
    err = fail_type(x, "the file", path);
  }
  return err != 0 ? err : nm_beneath_read(&x->base, path, NM_EMBED_MAX, &x->bytes, x->e);
}

/* id-left "@" id-right (RFC 5322 3.6.4): 128 random bits, and which one of this call it is. Nothing in it needs to be escaped in a
   cid: URL (RFC 2392), in an attribute without quotes, or in CSS. */
static void write_id(const struct embed *x, size_t number, struct nm_buf *id) {
  for (size_t i = 0; i < sizeof x->random; i++) {
    nm_buf_addf(id, "%02x", x->random[i]);
  }
  nm_buf_addf(id, ".%zu@netmail", number);
}

/* A data: URI has no name, but readers that list what is in a mail show one: "image1.png". */
static void write_name(const struct embed *x, size_t number, struct nm_buf *name) {
  struct nm_str sub = nm_str(x->type.p + 6, x->type.n - 6);
  const char *plus = memchr(sub.p, '+', sub.n); /* "svg+xml" */
  sub.n = plus != NULL ? (size_t)(plus - sub.p) : sub.n;
  if (sub.n <= 8 && nm_all(sub, NM_CHAR_ALPHA | NM_CHAR_DIGIT)) {
    nm_buf_addf(name, "image%zu.%.*s", number, (int)sub.n, sub.p);
  }
}

static int make_part(struct embed *x, enum nm_html_image kind, size_t number, struct nm_part **out) {
  struct nm_buf id = {.max = 100}, name = {.max = NM_PART_NAME_MAX};
  struct nm_content *content = NULL;
  write_id(x, number, &id);
  if (kind == NM_IMAGE_DATA) {
    write_name(x, number, &name);
  } else {
    nm_buf_add_str(&name, nm_part_file_name(nm_buf_str(&x->target)));
  }
  int err = id.err != 0 || name.err != 0 ? nm_error_nomem(x->e) : 0;
  err = err == 0 ? nm_content_memory(nm_buf_str(&x->bytes), &content, x->e) : err;
  err = err == 0 ? nm_part_new(content, nm_buf_str(&name), out, x->e) : err;
  err = err == 0 ? nm_part_set_type(*out, nm_buf_str(&x->type), x->e) : err;
  err = err == 0 ? nm_part_set_content_id(*out, nm_buf_str(&id), x->e) : err;
  nm_content_unref(&content);
  nm_buf_free(&id);
  nm_buf_free(&name);
  return err;
}

static int add_part(struct embed *x, struct nm_part *part) {
  int err = nm_list_add(x->linked, part);
  if (err == NM_ELIMIT) {
    return nm_error_set(x->e, err, NM_KIND_MESSAGE, "more than %d linked resources are refused",
                        NM_PART_LIST_MAX);
  }
  err = err == 0 ? nm_embed_table_add(&x->contents, nm_content_bytes(part->content), part) : err;
  return err != 0 ? nm_error_nomem(x->e) : 0;
}

static int check_all(struct embed *x) {
  if (x->bytes.n > NM_EMBED_ALL_MAX - x->all) {
    return nm_error_set(x->e, NM_ELIMIT, NM_KIND_MESSAGE,
                        "the pictures are too long: at most %zu bytes together are embedded",
                        NM_EMBED_ALL_MAX);
  }
  x->all += x->bytes.n;
  return 0;
}

/* The bytes and type at hand as a part: one that is there, or a new one. Borrowed from linked. */
static int part_of_bytes(struct embed *x, enum nm_html_image kind, struct nm_part **out) {
  struct nm_part *part = nm_embed_table_find(&x->contents, nm_buf_str(&x->bytes), nm_buf_str(&x->type));
  if (part != NULL) {
    *out = part;
    return 0;
  }
  int err = check_all(x);
  err = err == 0 ? make_part(x, kind, x->contents.n + 1, &part) : err;
  err = err == 0 ? add_part(x, part) : err;
  *out = part;
  nm_part_unref(&part); /* linked has it */
  return err;
}

/* So that a path which stands in the html ten thousand times is read once. */
static int remember_path(struct embed *x, struct nm_part *part) {
  char *key = nm_alloc(x->target.n);
  if (key == NULL) {
    return nm_error_nomem(x->e);
  }
  memcpy(key, x->target.p, x->target.n);
  if (nm_embed_table_add(&x->paths, nm_str(key, x->target.n), part) != 0) {
    nm_free(key);
    return nm_error_nomem(x->e);
  }
  return 0;
}

static int find_part(struct embed *x, enum nm_html_image kind, struct nm_part **out) {
  nm_buf_reset(&x->type);
  nm_buf_reset(&x->bytes);
  if (kind == NM_IMAGE_DATA) {
    int err = read_data(x);
    return err != 0 ? err : part_of_bytes(x, kind, out);
  }
  *out = nm_embed_table_find(&x->paths, nm_buf_str(&x->target), nm_str(NULL, 0));
  if (*out != NULL) {
    return 0;
  }
  int err = read_file(x);
  err = err == 0 ? part_of_bytes(x, kind, out) : err;
  return err != 0 ? err : remember_path(x, *out);
}

/* ---- the html ---- */

static int fail_html(struct embed *x) {
  return x->html.err != NM_ELIMIT ? nm_error_nomem(x->e)
                                  : nm_error_set(x->e, NM_ELIMIT, NM_KIND_MESSAGE,
                                                 "Html becomes too long: at most %zu bytes", x->html.max);
}

/* reference is what stands in the html between *done and its end, at last. */
static int replace(struct embed *x, struct nm_str reference, const char **done) {
  struct nm_part *part = NULL;
  nm_buf_reset(&x->target);
  enum nm_html_image kind = nm_html_image_read(reference, &x->target);
  if (x->target.err != 0) {
    return nm_error_nomem(x->e);
  }
  if (kind == NM_IMAGE_OTHER || (kind == NM_IMAGE_FILE && !x->has_base)) {
    return 0;
  }
  int err = find_part(x, kind, &part);
  if (err != 0) {
    return err;
  }
  nm_buf_add(&x->html, *done, (size_t)(reference.p - *done));
  nm_buf_add_c(&x->html, "cid:");
  nm_buf_add_str(&x->html, nm_buf_str(&part->content_id));
  *done = reference.p + reference.n;
  return x->html.err != 0 ? fail_html(x) : 0;
}

static int rewrite(struct embed *x, struct nm_str html) {
  struct nm_html_images images = {.scan.in = html};
  struct nm_str reference;
  const char *done = html.p;
  while (nm_html_images_next(&images, &reference)) {
    int err = replace(x, reference, &done);
    if (err != 0) {
      return err;
    }
  }
  nm_buf_add(&x->html, done, (size_t)(html.p + html.n - done));
  return x->html.err != 0 ? fail_html(x) : 0;
}

static int begin(struct embed *x, const struct nm_message *m, struct nm_str base) {
  uint64_t seed;
  if (nm_random(x->random, sizeof x->random) != 0 || nm_random(&seed, sizeof seed) != 0) {
    return nm_error_set(x->e, NM_EIO, NM_KIND_MESSAGE, "the system has no source of random numbers");
  }
  x->html.max = NM_BODY_MAX;
  x->target.max = NM_BODY_MAX;
  x->type.max = TYPE_MAX;
  x->bytes.max = NM_EMBED_MAX + 1; /* + 1: see nm_beneath_read */
  x->paths.seed = x->contents.seed = seed;
  x->linked = nm_part_list_new();
  int err = x->linked == NULL ? NM_ENOMEM : nm_list_assign(x->linked, m->linked);
  if (err != 0) {
    return nm_error_nomem(x->e);
  }
  x->has_base = base.p != NULL;
  return x->has_base ? nm_beneath_open(&x->base, base, x->e) : 0;
}

/* The new html and list take the place of the old ones: both or none. */
static int finish(struct embed *x, struct nm_message *m) {
  struct nm_content *html = NULL;
  int err = nm_content_memory(nm_buf_str(&x->html), &html, x->e);
  if (err == 0 && nm_list_assign(m->linked, x->linked) != 0) {
    err = nm_error_nomem(x->e);
  }
  if (err == 0) {
    nm_content_unref(&m->html);
    m->html = html;
    html = NULL;
  }
  nm_content_unref(&html);
  return err;
}

static void end(struct embed *x) {
  for (size_t i = 0; i < x->paths.cap; i++) {
    nm_free((char *)x->paths.slots[i].key.p);
  }
  nm_embed_table_free(&x->paths);
  nm_embed_table_free(&x->contents);
  nm_list_unref(&x->linked);
  nm_buf_free(&x->html);
  nm_buf_free(&x->target);
  nm_buf_free(&x->type);
  nm_buf_free(&x->bytes);
  nm_beneath_close(&x->base);
}

int nm_embed_images(struct nm_message *m, struct nm_str base, size_t *count_out, struct nm_error *e) {
  struct embed x = {.e = e};
  struct nm_str html = m->html != NULL ? nm_content_bytes(m->html) : nm_str(NULL, 0);
  *count_out = 0;
  if (html.p == NULL) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "EmbedImages needs Html; set it first");
  }
  int err = begin(&x, m, base);
  err = err == 0 ? rewrite(&x, html) : err;
  size_t count = x.contents.n;
  if (err == 0 && count > 0) {
    err = finish(&x, m);
  }
  end(&x);
  *count_out = err == 0 ? count : 0;
  return err;
}

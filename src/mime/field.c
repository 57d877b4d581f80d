#include "mime/field.h"

#include "base/alloc.h"
#include "base/chars.h"
#include "base/check.h"
#include "mime/field_value.h"
#include "mime/fold.h"

/* field-name = 1*ftext   (RFC 5322 3.6.8) */
static int check_name(struct nm_str name, const struct nm_field_rule **rule_out, struct nm_error *e) {
  int err = nm_check_nul("the name of a header field", name, e);
  if (err != 0) {
    return err;
  }
  if (!nm_all(name, NM_CHAR_FTEXT)) {
    return nm_error_set(
        e, NM_EINVAL, NM_KIND_MESSAGE,
        "\"%.*s\" is no name of a header field; it has letters, digits and signs, no spaces and "
        "no colon",
        nm_shown(name, 200), name.n > 0 ? name.p : "");
  }
  if (name.n > NM_FIELD_NAME_MAX) {
    return nm_error_set(e, NM_ELIMIT, NM_KIND_MESSAGE,
                        "a header field's name of %zu bytes is too long, at most %d are allowed", name.n,
                        NM_FIELD_NAME_MAX);
  }
  const struct nm_field_rule *rule = nm_field_rule(name);
  *rule_out = rule;
  if (nm_field_rule_is_owned(rule)) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "%.*s is not among the Headers: %s", (int)name.n,
                        name.p, rule->instead);
  }
  return 0;
}

int nm_field_check_name(struct nm_str name, struct nm_error *e) {
  const struct nm_field_rule *rule;
  return check_name(name, &rule, e);
}

static struct nm_str put_str(char **at, struct nm_str s) {
  char *p = *at;
  if (s.n > 0) {
    memcpy(p, s.p, s.n);
  }
  *at += s.n;
  return nm_str(p, s.n);
}

/* One block: the field, its name with a NUL, its value, its raw form. */
static struct nm_field *make(const struct nm_field_rule *rule, struct nm_str name, struct nm_str value,
                             struct nm_str raw) {
  struct nm_field *f = nm_alloc(sizeof *f + name.n + 1 + value.n + raw.n);
  if (f != NULL) {
    char *p = (char *)(f + 1);
    *f = (struct nm_field){.refs = 1, .name = put_str(&p, name)};
    *p++ = '\0';
    f->value = put_str(&p, value);
    f->raw = raw.p != NULL ? put_str(&p, raw) : raw;
    f->rule = rule;
  }
  return f;
}

struct nm_field *nm_field_keep(struct nm_str name, struct nm_str raw, struct nm_str value, int is_text) {
  struct nm_field *f = make(nm_field_rule(is_text ? nm_str("", 0) : name), name, value, raw);
  if (f != NULL) {
    f->is_read = 1;
  }
  return f;
}

int nm_field_new(struct nm_str name, struct nm_str value, struct nm_field **out, struct nm_error *e) {
  char field[NM_FIELD_NAME_MAX + 1];
  struct nm_buf canonical = {.max = NM_FIELD_VALUE_MAX};
  *out = NULL;
  const struct nm_field_rule *rule;
  int err = check_name(name, &rule, e);
  if (err != 0) {
    return err;
  }
  memcpy(field, name.p, name.n);
  field[name.n] = '\0';
  if (value.n > NM_FIELD_VALUE_MAX) {
    canonical.err = NM_ELIMIT;
  } else {
    err = nm_field_value_read(&canonical, rule->kind, field, value, e);
  }
  if (err == 0 && canonical.err == 0) {
    *out = make(rule, name, nm_buf_str(&canonical), nm_str(NULL, 0));
    err = *out == NULL ? nm_error_nomem(e) : 0;
  } else if (canonical.err == NM_ELIMIT) {
    err = nm_error_set(e, NM_ELIMIT, NM_KIND_MESSAGE, "%s is too long: at most %d bytes are allowed", field,
                       NM_FIELD_VALUE_MAX);
  } else if (err == 0) {
    err = nm_error_nomem(e);
  }
  nm_buf_free(&canonical);
  return err;
}

struct nm_field *nm_field_ref(struct nm_field *f) {
  f->refs++;
  return f;
}

void nm_field_unref(struct nm_field **at) {
  struct nm_field *f = *at;
  *at = NULL;
  if (f != NULL && --f->refs == 0) {
    nm_free(f);
  }
}

static int put(struct nm_buf *b, const struct nm_field *f, struct nm_str charset, struct nm_error *e) {
  size_t col = nm_fold_name(b, f->name.p);
  int err = nm_field_value_write(b, &col, f->rule->kind, f->value, charset, e);
  nm_fold_end(b);
  return err;
}

int nm_field_write(struct nm_buf *b, const struct nm_field *f, struct nm_str charset, struct nm_error *e) {
  size_t before = b->n;
  if (f->raw.p != NULL) {
    nm_fold_name(b, f->name.p);
    nm_buf_add_str(b, f->raw);
    nm_fold_end(b);
    return nm_fold_status(b, e);
  }
  int err = put(b, f, charset, e);
  if (err == NM_EINVAL && charset.n > 0) {
    b->n = before;
    err = put(b, f, NM_STR(""), e);
  }
  return err != 0 ? err : nm_fold_status(b, e);
}

#include "mime/fields.h"

#include "mime/list_urls.h"

static void ref_item(void *item) {
  nm_field_ref(item);
}

static void unref_item(void *item) {
  struct nm_field *f = item;
  nm_field_unref(&f);
}

static const struct nm_list_type list_type = {ref_item, unref_item};

struct nm_list *nm_fields_new(void) {
  return nm_list_new(&list_type, NM_FIELDS_MAX);
}

void nm_fields_init(struct nm_list *l, struct nm_block *block) {
  nm_list_init(l, &list_type, NM_FIELDS_MAX, block);
}

size_t nm_fields_find(const struct nm_list *list, struct nm_str name, size_t at) {
  while (at < list->n && !nm_str_ieq(((const struct nm_field *)list->items[at])->name, name)) {
    at++;
  }
  return at < list->n ? at : list->n;
}

struct nm_str nm_fields_get(const struct nm_list *list, struct nm_str name) {
  size_t at = nm_fields_find(list, name, 0);
  return at < list->n ? ((const struct nm_field *)list->items[at])->value : nm_str(NULL, 0);
}

static int insert(struct nm_list *list, size_t at, struct nm_field *f, struct nm_error *e) {
  int err = nm_list_insert(list, at, f);
  if (err == NM_ELIMIT) {
    return nm_error_set(e, err, NM_KIND_MESSAGE, "more than %zu header fields are refused", list->max);
  }
  return err != 0 ? nm_error_nomem(e) : 0;
}

int nm_fields_add(struct nm_list *list, struct nm_str name, struct nm_str value, struct nm_error *e) {
  struct nm_field *f = NULL;
  int err = nm_field_new(name, value, &f, e);
  if (err == 0 && f->rule->single && nm_fields_find(list, name, 0) < list->n) {
    err = nm_error_set(
        e, NM_EINVAL, NM_KIND_MESSAGE,
        "%s may stand only once in a message (RFC 5322), and there is one; replace it with Set", f->name.p);
  }
  err = err != 0 ? err : insert(list, list->n, f, e);
  nm_field_unref(&f);
  return err;
}

static int remove_from(struct nm_list *list, struct nm_str name, size_t at) {
  int removed = 0;
  while ((at = nm_fields_find(list, name, at)) < list->n) {
    nm_list_remove(list, at);
    removed = 1;
  }
  return removed;
}

/* In the place of the first of that name, and the others go; at the end when there was none. */
static int put(struct nm_list *list, struct nm_field *f, struct nm_error *e) {
  size_t at = nm_fields_find(list, f->name, 0);
  if (at == list->n) {
    return insert(list, at, f, e);
  }
  struct nm_field *old = list->items[at];
  list->items[at] = nm_field_ref(f);
  nm_field_unref(&old);
  remove_from(list, f->name, at + 1);
  return 0;
}

int nm_fields_set(struct nm_list *list, struct nm_str name, struct nm_str value, struct nm_error *e) {
  struct nm_field *f = NULL;
  int err = nm_field_new(name, value, &f, e);
  if (err != 0) {
    return err;
  }
  err = put(list, f, e);
  nm_field_unref(&f);
  return err;
}

int nm_fields_merge(struct nm_list *list, const struct nm_list *from, struct nm_error *e) {
  int err = 0;
  for (size_t i = 0; i < from->n && err == 0; i++) {
    struct nm_field *f = from->items[i];
    int is_first = nm_fields_find(from, f->name, 0) == i;
    err = is_first ? put(list, f, e) : insert(list, list->n, f, e);
  }
  return err;
}

int nm_fields_remove(struct nm_list *list, struct nm_str name) {
  return remove_from(list, name, 0);
}

/* "the List-Unsubscribe header field MUST contain one HTTPS URI"   (RFC 8058 3.1) */
int nm_fields_check_one_click(const struct nm_list *list, struct nm_error *e) {
  if (nm_list_urls_has_https(nm_fields_get(list, NM_STR("List-Unsubscribe")))) {
    return 0;
  }
  return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                      "ListUnsubscribeOneClick needs an https URL in ListUnsubscribe (RFC 8058)");
}

int nm_fields_check(const struct nm_list *list, struct nm_error *e) {
  size_t at = nm_fields_find(list, NM_STR("List-Unsubscribe-Post"), 0);
  int is_ours = at < list->n && ((const struct nm_field *)list->items[at])->raw.p == NULL;
  return is_ours ? nm_fields_check_one_click(list, e) : 0;
}

int nm_fields_write(struct nm_buf *b, const struct nm_list *list, struct nm_str charset, struct nm_error *e) {
  int err = nm_fields_check(list, e);
  for (size_t i = 0; i < list->n && err == 0; i++) {
    err = nm_field_write(b, list->items[i], charset, e);
  }
  return err;
}

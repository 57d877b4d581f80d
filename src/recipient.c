#include "recipient.h"

#include "base/alloc.h"
#include "smtp/envelope.h"

int nm_recipient_new(struct nm_addr *addr, unsigned notify, struct nm_str orcpt, struct nm_recipient **out,
                     struct nm_error *e) {
  struct nm_rcpt_options asked = {notify, orcpt};
  *out = NULL;
  int err = nm_rcpt_options_check(&asked, e);
  if (err != 0) {
    return err;
  }
  struct nm_recipient *r = nm_alloc(sizeof *r + orcpt.n);
  if (r == NULL) {
    return nm_error_nomem(e);
  }
  char *text = (char *)(r + 1);
  memcpy(text, orcpt.n > 0 ? orcpt.p : "", orcpt.n);
  *r = (struct nm_recipient){
      .refs = 1, .addr = nm_addr_ref(addr), .notify = notify, .orcpt = nm_str(text, orcpt.n)};
  *out = r;
  return 0;
}

static void ref_item(void *item) {
  ((struct nm_recipient *)item)->refs++;
}

void nm_recipient_unref(struct nm_recipient **at) {
  struct nm_recipient *r = *at;
  *at = NULL;
  if (r != NULL && --r->refs == 0) {
    nm_addr_unref(&r->addr);
    nm_free(r);
  }
}

static void unref_item(void *item) {
  struct nm_recipient *r = item;
  nm_recipient_unref(&r);
}

struct nm_list *nm_recipient_list_new(void) {
  static const struct nm_list_type type = {ref_item, unref_item};
  return nm_list_new(&type, NM_ADDR_LIST_MAX);
}

int nm_recipient_list_add(struct nm_list *list, struct nm_addr *addr, struct nm_error *e) {
  struct nm_recipient *r = NULL;
  int err = nm_recipient_new(addr, 0, nm_str("", 0), &r, e);
  if (err == 0) {
    err = nm_list_add(list, r);
    nm_recipient_unref(&r);
    if (err == NM_ELIMIT) {
      return nm_error_set(e, err, NM_KIND_MESSAGE, "more than %d recipients are refused", NM_ADDR_LIST_MAX);
    }
    err = err != 0 ? nm_error_nomem(e) : 0;
  }
  return err;
}

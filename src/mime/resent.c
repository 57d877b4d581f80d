#include "mime/resent.h"

#include "base/alloc.h"
#include "mime/msgid.h"

int nm_resent_new(struct nm_resent **out) {
  struct nm_resent *r = nm_zalloc(sizeof *r);
  if (r == NULL) {
    return NM_ENOMEM;
  }
  r->refs = 1;
  r->message_id.max = NM_MSGID_MAX;
  r->to = nm_addr_list_new();
  r->cc = nm_addr_list_new();
  r->bcc = nm_addr_list_new();
  if (r->to == NULL || r->cc == NULL || r->bcc == NULL) {
    nm_resent_unref(&r);
    return NM_ENOMEM;
  }
  *out = r;
  return 0;
}

struct nm_resent *nm_resent_ref(struct nm_resent *r) {
  r->refs++;
  return r;
}

void nm_resent_unref(struct nm_resent **at) {
  struct nm_resent *r = *at;
  *at = NULL;
  if (r != NULL && --r->refs == 0) {
    nm_addr_unref(&r->from);
    nm_addr_unref(&r->sender);
    nm_list_unref(&r->to);
    nm_list_unref(&r->cc);
    nm_list_unref(&r->bcc);
    nm_buf_free(&r->message_id);
    nm_free(r);
  }
}

static void ref_item(void *item) {
  nm_resent_ref(item);
}

static void unref_item(void *item) {
  struct nm_resent *r = item;
  nm_resent_unref(&r);
}

void nm_resent_list_init(struct nm_list *l, struct nm_block *block) {
  static const struct nm_list_type type = {ref_item, unref_item};
  nm_list_init(l, &type, NM_RESENT_MAX, block);
}

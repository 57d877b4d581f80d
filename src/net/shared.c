#include "net/shared.h"

#include "base/alloc.h"
#include "net/net.h"

static CURLSH *share_new(void) {
  CURLSH *share = curl_share_init();
  if (share != NULL && (curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) != CURLSHE_OK ||
                        curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS) != CURLSHE_OK)) {
    (void)curl_share_cleanup(share);
    share = NULL;
  }
  return share;
}

struct nm_shared *nm_shared_new(const struct nm_process *process) {
  nm_net_begin();
  struct nm_shared *s = nm_zalloc(sizeof *s);
  if (s == NULL) {
    return NULL;
  }
  s->refs = 1;
  s->process = process;
  if (nm_shared_renew(s) != 0) {
    nm_shared_unref(&s);
  }
  return s;
}

struct nm_shared *nm_shared_ref(struct nm_shared *s) {
  s->refs++;
  return s;
}

void nm_shared_unref(struct nm_shared **at) {
  struct nm_shared *s = *at;
  *at = NULL;
  if (s == NULL || --s->refs > 0) {
    return;
  }
  if (s->share != NULL && s->pid == nm_process_id(s->process)) {
    (void)curl_share_cleanup(s->share);
  }
  nm_tickets_free(&s->tickets);
  nm_free(s);
}

int nm_shared_renew(struct nm_shared *s) {
  if (s->share != NULL && s->pid == nm_process_id(s->process)) {
    return 0;
  }
  s->pid = nm_process_id(s->process);
  s->share = share_new();
  return s->share != NULL ? 0 : NM_ENOMEM;
}

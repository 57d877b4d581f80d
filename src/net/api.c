#include "net/conn.h"
#include "net/net.h"

static const struct nm_net_api table = {
    .magic = NM_NET_API_MAGIC,
    .version = NM_NET_API_VERSION,
    .size = sizeof(struct nm_net_api),
    .curl_version = nm_net_curl_version,
    .shared_new = nm_shared_new,
    .shared_ref = nm_shared_ref,
    .shared_unref = nm_shared_unref,
    .net_new = nm_net_new,
    .net_free = nm_net_free,
    .net_watch = nm_net_watch,
    .net_calm = nm_net_calm,
    .net_alarm = nm_net_alarm,
    .dial_start = nm_dial_start,
    .dial_step = nm_dial_step,
    .dial_wait = nm_dial_wait,
    .dial_progress = nm_dial_progress,
    .dial_doing = nm_dial_doing,
    .dial_lines = nm_dial_lines,
    .dial_log = nm_dial_log,
    .dial_times = nm_dial_times,
    .dial_refused = nm_dial_refused,
    .conn_io = nm_conn_io,
    .conn_is_loopback = nm_conn_is_loopback,
    .conn_ssl = nm_conn_ssl,
    .conn_loss = nm_failure_of_line,
    .conn_rest = nm_conn_rest,
    .conn_readable = nm_conn_readable,
    .conn_close = nm_conn_close,
};

const struct nm_net_api *nm_net_api(void) {
  return &table;
}

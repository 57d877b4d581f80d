#include "net/conn.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "net/net.h"
#include "net/sigpipe.h"

/* curl_multi_poll and the options taken for granted are all older; older ones were never tried. */
#define LIBCURL_OLDEST 0x075100u
/* libcurl's own is as long. */
#define TEXT_MAX 300

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Never undone: the host may have users of libcurl besides us. Before 7.84 the call is not thread-safe against theirs, which no
   lock of ours could mend. A failure shows at the next call, which fails for the same reason. */
static void global_init(void) {
  (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

void nm_net_begin(void) {
  (void)pthread_once(&once, global_init);
}

/* libcurl writes its answers into memory of its own each time it is asked: several threads may not do so at once. */
static struct {
  pthread_once_t once;
  const curl_version_info_data *info;
  char text[TEXT_MAX];
} about = {.once = PTHREAD_ONCE_INIT};

static void ask(void) {
  about.info = curl_version_info(CURLVERSION_NOW);
  (void)snprintf(about.text, sizeof about.text, "%s", curl_version());
}

const curl_version_info_data *nm_curl_info(void) {
  (void)pthread_once(&about.once, ask);
  return about.info;
}

const char *nm_net_curl_version(void) {
  (void)nm_curl_info();
  return about.text;
}

static int speaks(const curl_version_info_data *v, const char *scheme) {
  for (const char *const *p = v->protocols; *p != NULL; p++) {
    if (nm_str_eq(nm_str_c(*p), nm_str_c(scheme))) {
      return 1;
    }
  }
  return 0;
}

/* Options newer than the oldest are set where the library that was loaded knows them, so headers newer or older than it
   make no difference beyond that. */
int nm_net_check(char *why, size_t n) {
  const curl_version_info_data *v = nm_curl_info();
  if (v->version_num < LIBCURL_OLDEST) {
    (void)snprintf(why, n, "libcurl %s is too old: 7.81.0 or newer is needed (built with the headers of %s)",
                   v->version, LIBCURL_VERSION);
    return NM_EINVAL;
  }
  if (!speaks(v, "smtp") || !speaks(v, "smtps") || (v->features & CURL_VERSION_SSL) == 0) {
    (void)snprintf(why, n, "this libcurl %s was built without SMTP over TLS", v->version);
    return NM_EINVAL;
  }
  if (!speaks(v, "http") || !speaks(v, "https")) { /* a bare line is one of these (options.c) */
    (void)snprintf(why, n, "this libcurl %s was built without HTTP", v->version);
    return NM_EINVAL;
  }
  return 0;
}

/* Since 7.87 a multi handle keeps the loaded CA store, which matters where cas.h does not (a proxy, another TLS library): one for all. Before,
   nothing speaks for sharing one, and against it that up to 7.84 removing a CONNECT_ONLY handle leaves its connection open until the
   multi handle goes. */
#define LIBCURL_CA_CACHE 0x075700u

static unsigned version(void) {
  return nm_curl_info()->version_num;
}

/* libcurl goes by the name of the file alone, for a day: a service that runs on would go on trusting a CA that was taken away, and refuse one
   that was put there. */
long nm_net_ca_age(struct nm_net *net, const char *ca_file) {
  struct nm_stamp now = nm_stamp_of(ca_file), none = {0};
  int is_other = memcmp(&now, &net->ca, sizeof now) != 0;
  if (is_other && memcmp(&none, &net->ca, sizeof none) != 0) {
    net->ca_changed = nm_clock_ms();
  }
  net->ca = now;
  return net->ca_changed == 0 ? -1 : (long)((nm_clock_ms() - net->ca_changed) / 1000);
}

static void multi_free(struct nm_net *net) {
  if (net->multi != NULL) {
    (void)curl_multi_cleanup(net->multi);
  }
  net->multi = NULL;
}

static int multi_new(struct nm_net *net) {
  int is_one = version() >= LIBCURL_CA_CACHE;
  net->pid = nm_net_process(net);
  net->multi = is_one ? curl_multi_init() : NULL;
  return net->multi != NULL || !is_one ? 0 : NM_ENOMEM;
}

struct nm_net *nm_net_new(struct nm_shared *shared) {
  nm_net_begin();
  struct nm_net *net = nm_zalloc(sizeof *net);
  if (net == NULL) {
    return NULL;
  }
  net->hold_sigpipe = version() < NM_SIGPIPE_FIXED;
  net->nowhere = nm_socket_nowhere();
  net->shared = shared != NULL ? nm_shared_ref(shared) : nm_shared_new(NULL);
  if (net->nowhere < 0 || net->shared == NULL || nm_shared_renew(net->shared) != 0 || multi_new(net) != 0) {
    nm_net_free(net);
    return NULL;
  }
  return net;
}

/* The parent's handles are forgotten, not freed: to free them would be to speak on the parent's connections. */
int nm_net_renew(struct nm_net *net) {
  if (nm_shared_renew(net->shared) != 0) {
    return NM_ENOMEM;
  }
  if (net->pid == nm_net_process(net)) {
    return 0;
  }
  nm_watch_close(&net->watch); /* the parent has its own, which stays open */
  return multi_new(net);
}

int nm_net_watch(struct nm_net *net) {
  return nm_net_renew(net) == 0 ? nm_watch_fd(&net->watch) : -1;
}

void nm_net_calm(struct nm_net *net) {
  if (net->pid == nm_net_process(net)) {
    nm_watch_calm(&net->watch);
    net->has_worked = 0;
  }
}

void nm_net_alarm(struct nm_net *net, int ms) {
  if (net->pid == nm_net_process(net)) {
    nm_watch_arm(&net->watch, ms);
  }
}

void nm_net_free(struct nm_net *net) {
  if (net == NULL) {
    return;
  }
  if (net->pid == nm_net_process(net)) {
    multi_free(net);
  }
  nm_shared_unref(&net->shared); /* after the multi handle: its connections leave tickets */
  nm_watch_close(&net->watch);
  if (net->nowhere >= 0) {
    (void)close(net->nowhere);
  }
  nm_free(net);
}

CURLM *nm_net_multi(struct nm_net *net) {
  net->has_worked = 0;
  return net->multi != NULL ? net->multi : curl_multi_init();
}

void nm_net_multi_back(struct nm_net *net, CURLM *multi) {
  if (multi != NULL && multi != net->multi) {
    (void)curl_multi_cleanup(multi);
  }
}

static void note_done(CURLM *multi) {
  int left;
  for (CURLMsg *m = curl_multi_info_read(multi, &left); m != NULL; m = curl_multi_info_read(multi, &left)) {
    char *owner = NULL;
    if (m->msg == CURLMSG_DONE && curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &owner) == CURLE_OK &&
        owner != NULL) {
      struct nm_conn *c = (struct nm_conn *)(void *)owner;
      c->done = 1;
      c->result = m->data.result;
    }
  }
}

void nm_net_wait(struct nm_net *net, CURLM *multi, int ms) {
  (void)curl_multi_poll(multi, NULL, 0, ms < 0 ? INT_MAX : ms, NULL);
  net->has_worked = 0;
}

/* Who watches steps all that dial, one by one, whenever something has happened to one of them; and libcurl looks at all each time: with a hundred
   of them ten thousand looks. What happens after the one look is seen after the next calm: the watch tells of it. */
int nm_net_perform(struct nm_net *net, CURLM *multi) {
  int is_shared = multi == net->multi && net->watch.is_open;
  if (is_shared && net->has_worked) {
    return 0;
  }
  net->has_worked = 1;
  struct nm_sigpipe hold;
  int running;
  nm_sigpipe_hold(&hold, net->hold_sigpipe);
  CURLMcode rc = curl_multi_perform(multi, &running);
  nm_sigpipe_release(&hold);
  note_done(multi);
  return rc == CURLM_OK ? 0 : rc == CURLM_OUT_OF_MEMORY ? NM_ENOMEM : NM_EIO;
}

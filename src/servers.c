#include "servers.h"

#include <string.h>

#include "base/alloc.h"
#include "base/chars.h"
#include "client.h"
#include "host.h"

void nm_servers_free(struct nm_servers *s) {
  for (size_t i = 0; i < s->n; i++) {
    nm_buf_free(&s->others[i].host);
  }
  nm_free(s->others);
  *s = (struct nm_servers){.is_round_robin = s->is_round_robin};
}

/* Where the port begins; n: there is none. An IPv6 address without brackets has none. */
static size_t find_port(struct nm_str text) {
  const char *colon = memchr(text.p, ':', text.n);
  if (text.p[0] == '[') {
    const char *end = memchr(text.p, ']', text.n);
    colon = end != NULL && end + 1 < text.p + text.n && end[1] == ':' ? end + 1 : NULL;
  } else if (colon != NULL && memchr(colon + 1, ':', (size_t)(text.p + text.n - colon - 1)) != NULL) {
    colon = NULL;
  }
  return colon != NULL ? (size_t)(colon - text.p) : text.n;
}

/* 1 to 65535; else 0. */
static int read_port(struct nm_str s) {
  int port = 0;
  if (s.n == 0 || s.n > 5 || !nm_all(s, NM_CHAR_DIGIT)) {
    return 0;
  }
  for (size_t i = 0; i < s.n; i++) {
    port = port * 10 + (s.p[i] - '0');
  }
  return port <= 65535 ? port : 0;
}

static int add(struct nm_servers *s, struct nm_str host, int port, struct nm_error *e) {
  if (s->n == NM_SERVERS_MAX) {
    return nm_error_set(e, NM_ELIMIT, NM_KIND_MESSAGE, "AlternativeHosts has more than %d servers",
                        NM_SERVERS_MAX);
  }
  struct nm_server *others = nm_realloc_array(s->others, s->n + 1, sizeof *others);
  if (others == NULL) {
    return nm_error_nomem(e);
  }
  s->others = others;
  others[s->n] = (struct nm_server){.host = {.max = NM_HOST_MAX}, .port = port};
  int err = nm_host_set(&others[s->n].host, "AlternativeHosts", host, e);
  s->n += err == 0;
  return err;
}

int nm_servers_add(struct nm_servers *s, struct nm_str text, struct nm_error *e) {
  size_t at = text.n > 0 && !nm_is_socket(text) ? find_port(text) : text.n;
  int port = at < text.n ? read_port(nm_str(text.p + at + 1, text.n - at - 1)) : 0;
  if (at < text.n && port == 0) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                        "AlternativeHosts: '%.*s' has no port from 1 to 65535 behind its colon",
                        (int)(text.n < 300 ? text.n : 300), text.p);
  }
  return add(s, nm_str(text.p, at), port, e);
}

int nm_servers_copy(const struct nm_servers *from, struct nm_servers *to) {
  struct nm_error unused;
  int err = 0;
  nm_servers_free(to);
  for (size_t i = 0; i < from->n && err == 0; i++) {
    err = add(to, nm_buf_str(&from->others[i].host), from->others[i].port, &unused);
  }
  to->is_round_robin = from->is_round_robin;
  to->turn = from->turn;
  memcpy(to->bad_until, from->bad_until, sizeof to->bad_until);
  return err;
}

int nm_servers_same(const struct nm_servers *a, const struct nm_servers *b) {
  if (a->n != b->n || a->is_round_robin != b->is_round_robin) {
    return 0;
  }
  for (size_t i = 0; i < a->n; i++) {
    if (a->others[i].port != b->others[i].port ||
        !nm_str_eq(nm_buf_str(&a->others[i].host), nm_buf_str(&b->others[i].host))) {
      return 0;
    }
  }
  return 1;
}

void nm_servers_learn(struct nm_servers *s, const struct nm_servers *copy) {
  if (nm_servers_same(s, copy)) {
    s->turn = copy->turn;
    memcpy(s->bad_until, copy->bad_until, sizeof s->bad_until);
  }
}

/* ---- which one ---- */

/* So long one that could not be had comes after the others. */
#define BAD_MS 60000

static int is_bad(const struct nm_servers *s, size_t i, int64_t now) {
  return s->bad_until[i] > now;
}

/* From the i-th on, round and round: the first that is none of tried and not bad, else the first that is none of tried. */
static int find(const struct nm_servers *s, size_t i, unsigned tried, int64_t now, size_t *out) {
  int found = 0;
  for (size_t k = 0; k <= s->n; k++) {
    size_t at = (i + k) % (s->n + 1);
    if ((tried & 1u << at) != 0 || (found && is_bad(s, at, now))) {
      continue;
    }
    if (!found || is_bad(s, *out, now)) {
      *out = at;
    }
    found = 1;
    if (!is_bad(s, at, now)) {
      break;
    }
  }
  return found;
}

size_t nm_servers_first(struct nm_servers *s, int64_t now) {
  size_t first = 0;
  (void)find(s, s->is_round_robin ? s->turn % (s->n + 1) : 0, 0, now, &first);
  s->turn = first + 1;
  return first;
}

int nm_servers_next(const struct nm_servers *s, unsigned tried, int64_t now, size_t *next_out) {
  return find(s, s->is_round_robin ? s->turn % (s->n + 1) : 0, tried, now, next_out);
}

void nm_servers_note(struct nm_servers *s, size_t i, int is_good, int64_t now) {
  s->bad_until[i] = is_good ? 0 : now + BAD_MS;
}

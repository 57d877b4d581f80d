#include "ehlo_name.h"

#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "smtp/command.h"

#define LITERAL "[127.0.0.1]"
#define HOSTS "/etc/hosts"
#define HOSTS_MAX 65536

static int is_full(struct nm_str name) {
  return memchr(name.p, '.', name.n) != NULL && nm_ehlo_name_check(name) == 0;
}

/* The next word of *line; n == 0: there is none. */
static struct nm_str next_word(struct nm_str *line) {
  size_t begin = 0;
  while (begin < line->n && (line->p[begin] == ' ' || line->p[begin] == '\t' || line->p[begin] == '\r')) {
    begin++;
  }
  size_t end = begin;
  while (end < line->n && line->p[end] != ' ' && line->p[end] != '\t' && line->p[end] != '\r') {
    end++;
  }
  struct nm_str word = nm_str(line->p + begin, end - begin);
  *line = nm_str(line->p + end, line->n - end);
  return word;
}

/* IP_address canonical_hostname [aliases...] , and a comment from # on. */
static struct nm_str full_name_in(struct nm_str line, struct nm_str name) {
  struct nm_str full = nm_str("", 0), word = next_word(&line);
  int has_name = 0;
  while ((word = next_word(&line)).n > 0) {
    has_name = has_name || nm_str_ieq(word, name);
    if (full.n == 0 && is_full(word)) {
      full = word;
    }
  }
  return has_name ? full : nm_str("", 0);
}

int nm_ehlo_name_of(struct nm_str hosts, struct nm_str name, char *out) {
  while (hosts.n > 0) {
    const char *lf = memchr(hosts.p, '\n', hosts.n);
    size_t n = lf != NULL ? (size_t)(lf - hosts.p) : hosts.n;
    const char *comment = memchr(hosts.p, '#', n);
    struct nm_str full =
        full_name_in(nm_str(hosts.p, comment != NULL ? (size_t)(comment - hosts.p) : n), name);
    if (full.n > 0 && full.n < NM_EHLO_NAME_MAX) {
      snprintf(out, NM_EHLO_NAME_MAX, "%.*s", (int)full.n, full.p);
      return 0;
    }
    n += lf != NULL;
    hosts = nm_str(hosts.p + n, hosts.n - n);
  }
  return NM_EINVAL;
}

static int look_up(struct nm_str name, char *out) {
  char text[HOSTS_MAX];
  FILE *f = fopen(HOSTS, "re");
  if (f == NULL) {
    return NM_EINVAL;
  }
  size_t n = fread(text, 1, sizeof text, f);
  fclose(f);
  return nm_ehlo_name_of(nm_str(text, n), name, out);
}

void nm_ehlo_name(const char *given, char *out) {
  char name[NM_EHLO_NAME_MAX] = "";
  if (given != NULL) {
    snprintf(out, NM_EHLO_NAME_MAX, "%s", given);
  } else if (gethostname(name, sizeof name - 1) != 0 || name[0] == '\0') {
    snprintf(out, NM_EHLO_NAME_MAX, "%s", LITERAL);
  } else if (is_full(nm_str_c(name))) {
    snprintf(out, NM_EHLO_NAME_MAX, "%s", name);
  } else if (look_up(nm_str_c(name), out) != 0) {
    snprintf(out, NM_EHLO_NAME_MAX, "%s", LITERAL);
  }
}

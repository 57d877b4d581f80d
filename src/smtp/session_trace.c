#include <string.h>

#include "smtp/session_own.h"

/* What a trace sees of a session. Nothing is done when there is none. */

static void add_line(struct nm_session *s, const char *p, size_t n) {
  n -= n > 0 && p[n - 1] == '\r';
  nm_trace_add(s->trace, NM_TRACE_CLIENT, nm_str(p, n));
}

static void add_lines(struct nm_session *s, const struct nm_stretch *st) {
  size_t end = s->out_at < st->octets ? s->out_at : st->octets;
  while (s->traced < end) {
    const char *p = s->out.p + s->traced;
    const char *lf = memchr(p, '\n', end - s->traced);
    if (lf == NULL) {
      return;
    }
    add_line(s, p, (size_t)(lf - p));
    s->traced += (size_t)(lf - p) + 1;
  }
}

void nm_session_trace_sent(struct nm_session *s, const struct nm_stretch *st) {
  if (s->trace == NULL) {
    return;
  }
  if (!s->out_is_secret) {
    add_lines(s, st);
  } else if (s->out_at == s->out.n) {
    nm_trace_add(s->trace, NM_TRACE_CLIENT, nm_str_c(s->talk.shown));
  }
}

void nm_session_trace_content(struct nm_session *s) {
  if (s->content_n > 0) {
    nm_trace_addf(s->trace, NM_TRACE_CLIENT, "[%llu bytes of content]", (unsigned long long)s->content_n);
  }
  s->content_n = 0;
}

static void add_reply(struct nm_session *s, const struct nm_reply *r) {
  struct nm_str rest = nm_buf_str(&r->text);
  struct nm_str line;
  while (nm_reply_next_line(&rest, &line)) {
    char shown[NM_REPLY_LINE_MAX + 4];
    for (int i = 2, code = r->code; i >= 0; i--, code /= 10) {
      shown[i] = (char)('0' + code % 10);
    }
    shown[3] = rest.p != NULL ? '-' : ' ';
    if (line.n > 0) {
      memcpy(shown + 4, line.p, line.n);
    }
    nm_trace_add(s->trace, NM_TRACE_SERVER, nm_str(shown, 4 + line.n));
  }
}

void nm_session_trace_reply(struct nm_session *s, const struct nm_reply *r, int is_challenge) {
  if (s->trace == NULL) {
    return;
  }
  if (is_challenge) {
    nm_trace_addf(s->trace, NM_TRACE_SERVER, "%d ***", r->code);
  } else {
    add_reply(s, r);
  }
}

#ifndef NM_SPEC_MODEL_SERVER_H
#define NM_SPEC_MODEL_SERVER_H

/* A mail server of the tests, strict where it hurts: bytes in, replies out, refusals and hang-ups by chance. It knows what a message is
   by its sender ("s7@example.org"), its recipients ("r7-2@example.net") and its content (model_content), so that it sees what was
   mixed up, and keeps what it has delivered. RFC 5321, 2920 and 3030 alone say what it does: it shares no code with the client. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "smtp/undot.h"

#define MODEL_LETTERS_MAX 64
#define MODEL_RCPT_MAX 6
#define MODEL_CONTENT_MAX (1 << 18)

static inline uint32_t model_random(uint64_t *seed, uint32_t below) {
  *seed ^= *seed << 13;
  *seed ^= *seed >> 7;
  *seed ^= *seed << 17;
  return below > 0 ? (uint32_t)((*seed >> 20) % below) : 0;
}

/* n octets, 24 at least: lines that say which message it is, some of which begin with a dot. */
static inline void model_content(int id, size_t n, struct nm_buf *out) {
  char line[40];
  char *room = nm_buf_room(out, n);
  size_t line_n = (size_t)snprintf(line, sizeof line, "%d a line\r\n.\r\n..%d\r\n", id, id);
  for (size_t i = 0; room != NULL && i + line_n + 2 <= n; i += line_n) {
    memcpy(room + i, line, line_n);
    out->n += line_n;
  }
  while (room != NULL && out->n + 2 < n) {
    nm_buf_add_byte(out, 'x');
  }
  nm_buf_add(out, "\r\n", 2);
}

struct model_server {
  uint64_t seed;
  uint32_t garble;    /* of a thousand */
  uint32_t refuse;    /* of a thousand answers */
  size_t hangs_up;    /* after so many octets */
  int says_421;       /* at the command that comes then, or without a word */
  int keeps_refused;  /* after a BDAT that was refused the transaction is there until RSET; 0: it is gone */
  const char *offers; /* it greets, and says that to EHLO; NULL: that is behind it */
  size_t rcpt_max;    /* 452 to those beyond; 0: as many as there is room for */
  struct nm_str contents[MODEL_LETTERS_MAX];
  struct nm_buf out; /* replies */
  int is_closed;
  size_t n_read;
  /* The running transaction. */
  int has_mail, is_broken; /* a chunk was refused */
  int from;
  int is_terse; /* it says the same each time */
  int rcpt_id[MODEL_RCPT_MAX], rcpt_no[MODEL_RCPT_MAX];
  size_t n_rcpt;
  int is_data;
  size_t chunk;
  int in_chunk, is_last;
  struct nm_buf content, plain;
  char line[1100];
  size_t line_n;
  /* What became of all. */
  int delivered[MODEL_LETTERS_MAX][MODEL_RCPT_MAX];
  int n_delivered;
  int n_quits;
  int is_asked_data; /* 354 is a word to that */
  int has_garbled;
  const char *wrong; /* what must never be */
};

/* All memory is here from the beginning: a test that lets allocations fail means the client's. */
static inline void model_init(struct model_server *m, uint64_t seed) {
  *m = (struct model_server){.seed = seed * 2654435761u + 88172645463325252u,
                             .hangs_up = SIZE_MAX,
                             .out = {.max = MODEL_CONTENT_MAX},
                             .content = {.max = MODEL_CONTENT_MAX * 2},
                             .plain = {.max = MODEL_CONTENT_MAX * 2}};
  struct nm_buf *all[] = {&m->out, &m->content, &m->plain};
  for (int i = 0; i < 3; i++) {
    nm_buf_room(all[i], all[i]->max);
  }
}

/* Another connection's, in the same memory. */
static inline void model_renew(struct model_server *m, uint64_t seed) {
  struct nm_buf out = m->out, content = m->content, plain = m->plain;
  nm_buf_reset(&out);
  nm_buf_reset(&content);
  nm_buf_reset(&plain);
  *m = (struct model_server){.seed = seed * 2654435761u + 88172645463325252u,
                             .hangs_up = SIZE_MAX,
                             .out = out,
                             .content = content,
                             .plain = plain};
}

static inline void model_free(struct model_server *m) {
  nm_buf_free(&m->out);
  nm_buf_free(&m->content);
  nm_buf_free(&m->plain);
}

static inline void model_wrong(struct model_server *m, const char *what) {
  m->wrong = m->wrong != NULL ? m->wrong : what;
}

/* What no server may say at that place; after it the client must not believe anything. */
static inline int model_garbles(struct model_server *m) {
  static const char *const words[] = {"354 go\r\n", "hello\r\n", "99 x\r\n"};
  if (model_random(&m->seed, 1000) >= m->garble) {
    return 0;
  }
  nm_buf_add_c(&m->out, words[m->is_asked_data ? 1 : model_random(&m->seed, 3)]);
  m->has_garbled = 1;
  return 1;
}

static inline void model_say(struct model_server *m, int code) {
  if (model_garbles(m)) {
    return;
  }
  if (!m->is_terse && model_random(&m->seed, 5) == 0) {
    nm_buf_addf(&m->out, "%d-more\r\n", code);
  }
  nm_buf_addf(&m->out, "%d words\r\n", code);
}

static inline void model_reset(struct model_server *m) {
  m->has_mail = m->is_broken = 0;
  m->n_rcpt = 0;
  nm_buf_reset(&m->content);
}

static inline int model_refuses(struct model_server *m) {
  if (model_random(&m->seed, 1000) >= m->refuse) {
    return 0;
  }
  model_say(m, model_random(&m->seed, 2) ? 451 : 550);
  return 1;
}

static inline void model_deliver(struct model_server *m, struct nm_str content) {
  if (!nm_str_eq(content, m->contents[m->from])) {
    model_wrong(m, "a message was delivered with another's content");
  }
  for (size_t i = 0; i < m->n_rcpt; i++) {
    if (m->rcpt_id[i] != m->from) {
      model_wrong(m, "a message was delivered to another's recipient");
    } else if (m->delivered[m->from][m->rcpt_no[i]]++ > 0) {
      model_wrong(m, "a message was delivered twice");
    }
  }
  m->n_delivered++;
}

/* The whole content is here. */
static inline void model_end(struct model_server *m, struct nm_str content) {
  if (model_refuses(m)) {
    m->is_broken = m->in_chunk && m->keeps_refused;
    if (!m->is_broken) {
      model_reset(m);
    }
    return;
  }
  model_deliver(m, content);
  model_say(m, 250);
  model_reset(m);
}

static inline void model_end_data(struct model_server *m) {
  m->is_data = 0;
  nm_buf_reset(&m->plain);
  if (m->n_rcpt == 0) {
    model_say(m, 554);
    model_reset(m);
    return;
  }
  if (undot(nm_buf_str(&m->content), &m->plain) != 0) {
    model_wrong(m, "a content of a form that is none");
  }
  model_end(m, nm_buf_str(&m->plain));
}

static inline void model_end_chunk(struct model_server *m) {
  if (!m->has_mail || m->n_rcpt == 0 || m->is_broken) {
    model_say(m, 503);
    m->is_broken |= m->has_mail;
  } else if (m->is_last) {
    model_end(m, nm_buf_str(&m->content));
  } else if (model_refuses(m)) {
    m->is_broken = 1;
  } else {
    model_say(m, 250);
  }
  m->in_chunk = 0;
}

static inline void model_mail(struct model_server *m) {
  if (m->has_mail) {
    model_say(m, 503);
  } else if (!model_refuses(m)) {
    m->has_mail = 1;
    if (sscanf(m->line, "MAIL FROM:<s%d@", &m->from) != 1 || m->from >= MODEL_LETTERS_MAX) {
      model_wrong(m, "a sender that is none");
      m->from = 0;
    }
    model_say(m, 250);
  }
}

static inline void model_rcpt(struct model_server *m) {
  int id = 0, no = 0;
  if (!m->has_mail || m->is_broken) {
    model_say(m, 503);
  } else if (sscanf(m->line, "RCPT TO:<r%d-%d@", &id, &no) != 2 || no >= MODEL_RCPT_MAX) {
    model_wrong(m, "a recipient that is none");
  } else if (m->rcpt_max > 0 && m->n_rcpt >= m->rcpt_max) {
    model_say(m, 452);
  } else if (!model_refuses(m) && m->n_rcpt < MODEL_RCPT_MAX) {
    m->rcpt_id[m->n_rcpt] = id;
    m->rcpt_no[m->n_rcpt++] = no;
    model_say(m, 250);
  }
}

/* RFC 2920 3.1: 354 may come though nobody gets it. */
static inline void model_data(struct model_server *m) {
  int is_loose = model_random(&m->seed, 2) != 0;
  m->is_asked_data = 1;
  if ((m->has_mail && m->n_rcpt > 0 && !model_refuses(m)) || (m->n_rcpt == 0 && is_loose)) {
    m->is_data = 1;
    nm_buf_reset(&m->content);
    nm_buf_add_c(&m->out, "354 go\r\n");
  } else if (!m->has_mail || m->n_rcpt == 0) {
    model_say(m, 503);
  }
  m->is_asked_data = 0;
}

static inline void model_bdat(struct model_server *m) {
  char *end = NULL;
  m->chunk = strtoul(m->line + 5, &end, 10);
  m->is_last = strcmp(end, " LAST\r\n") == 0;
  m->in_chunk = 1;
  if (m->chunk > MODEL_CONTENT_MAX || (!m->is_last && strcmp(end, "\r\n") != 0)) {
    model_wrong(m, "a chunk that is none");
  }
  if (m->chunk == 0) {
    model_end_chunk(m);
  }
}

static inline void model_line(struct model_server *m) {
  m->line[m->line_n] = '\0';
  m->line_n = 0;
  if (m->n_read >= m->hangs_up) {
    nm_buf_add_c(&m->out, m->says_421 ? "421 bye\r\n" : "");
    m->is_closed = 1;
  } else if (strncmp(m->line, "MAIL ", 5) == 0) {
    model_mail(m);
  } else if (strncmp(m->line, "RCPT ", 5) == 0) {
    model_rcpt(m);
  } else if (strcmp(m->line, "DATA\r\n") == 0) {
    model_data(m);
  } else if (strncmp(m->line, "BDAT ", 5) == 0) {
    model_bdat(m);
  } else if (strcmp(m->line, "RSET\r\n") == 0) {
    model_reset(m);
    model_say(m, 250);
  } else if (m->offers != NULL && strncmp(m->line, "EHLO ", 5) == 0) {
    nm_buf_addf(&m->out, "250-x\r\n250-%s\r\n250 HELP\r\n", m->offers);
  } else if (strcmp(m->line, "QUIT\r\n") == 0) {
    m->n_quits++;
    m->is_closed = 1;
  } else {
    model_wrong(m, "a command that is none");
    model_say(m, 500);
  }
}

static inline int model_at_dot(const struct model_server *m) {
  const struct nm_buf *c = &m->content;
  return (c->n == 3 && memcmp(c->p, ".\r\n", 3) == 0) ||
         (c->n >= 5 && memcmp(c->p + c->n - 5, "\r\n.\r\n", 5) == 0);
}

/* Up to n octets of a chunk. */
static inline size_t model_chunk(struct model_server *m, const char *p, size_t n) {
  n = n < m->chunk ? n : m->chunk;
  nm_buf_add(&m->content, p, n);
  m->chunk -= n;
  if (m->chunk == 0) {
    model_end_chunk(m);
  }
  return n;
}

/* Up to the end of a line. */
static inline size_t model_data_line(struct model_server *m, const char *p, size_t n) {
  const char *lf = memchr(p, '\n', n);
  n = lf != NULL ? (size_t)(lf - p) + 1 : n;
  nm_buf_add(&m->content, p, n);
  if (model_at_dot(m)) {
    model_end_data(m);
  }
  return n;
}

static inline size_t model_command(struct model_server *m, char c) {
  if (m->line_n == sizeof m->line - 1) {
    model_wrong(m, "a line without an end");
    m->line_n = 0;
  }
  m->line[m->line_n++] = c;
  if (c == '\n') {
    model_line(m);
  }
  return 1;
}

/* Reads up to n octets; those behind its end it does not. */
static inline void model_read(struct model_server *m, const char *p, size_t n) {
  if (!m->says_421 && n > m->hangs_up - m->n_read) {
    n = m->hangs_up - m->n_read;
    m->is_closed = n == 0;
  }
  while (n > 0 && !m->is_closed) {
    size_t used = m->in_chunk  ? model_chunk(m, p, n)
                  : m->is_data ? model_data_line(m, p, n)
                               : model_command(m, *p);
    p += used;
    n -= used;
    m->n_read += used;
    m->is_closed |= m->n_read >= m->hangs_up && !m->says_421;
  }
}

#endif

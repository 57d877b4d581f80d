#include "mime/encoder.h"

#include <string.h>

#include "base/base64.h"
#include "mime/base64_lines.h"
#include "mime/quoted.h"
#include "mime/word.h"

const char *nm_cte_name(enum nm_cte cte) {
  switch (cte) {
    case NM_CTE_7BIT:
      return "7bit";
    case NM_CTE_QP:
      return "quoted-printable";
    case NM_CTE_8BIT:
      return "8bit";
    case NM_CTE_BINARY:
      return "binary";
    case NM_CTE_BASE64:
      break;
  }
  return "base64";
}

/* Both write n octets to out and return the end of what they wrote. */
typedef char *put_fn(struct nm_encoder *e, const char *p, size_t n, char *out);

static char *put_octets(struct nm_encoder *e, const char *p, size_t n, char *out) {
  (void)e;
  memcpy(out, p, n);
  return out + n;
}

static char *put_base64(struct nm_encoder *e, const char *p, size_t n, char *out) {
  if (e->held_n > 0) {
    size_t lack = NM_LINE_OCTETS - e->held_n;
    size_t take = n < lack ? n : lack;
    memcpy(e->held + e->held_n, p, take);
    e->held_n += take;
    p += take;
    n -= take;
    if (e->held_n < NM_LINE_OCTETS) {
      return out;
    }
    nm_base64_lines(out, e->held, 1);
    out += NM_BASE64_LINE;
  }
  size_t lines = n / NM_LINE_OCTETS;
  nm_base64_lines(out, (const unsigned char *)p, lines);
  e->held_n = n % NM_LINE_OCTETS;
  memcpy(e->held, p + lines * NM_LINE_OCTETS, e->held_n);
  return out + lines * NM_BASE64_LINE;
}

static size_t line_length(const char *p, size_t n) {
  size_t i = 0;
  while (n - i >= 8 && nm_word_controls(nm_word_load(p + i)) == 0) {
    i += 8;
  }
  while (i < n && p[i] != '\n' && p[i] != '\r') {
    i++;
  }
  return i;
}

/* Text in its canonical form: every CRLF, CR and LF is a CRLF (RFC 2049 4 (2)). */
static char *put_text(struct nm_encoder *e, const char *p, size_t n, char *out, put_fn *put) {
  while (n > 0) {
    size_t run = line_length(p, n);
    if (run > 0) {
      out = put(e, p, run, out);
      e->cr = 0;
    } else {
      if (*p == '\r' || !e->cr) { /* the LF of a CRLF was done with its CR */
        out = put(e, "\r\n", 2, out);
      }
      e->cr = *p == '\r';
      run = 1;
    }
    p += run;
    n -= run;
  }
  return out;
}

size_t nm_encoder_step(struct nm_encoder *e, const char *p, size_t n, char *out) {
  if (n == 0) {
    return 0;
  }
  if (e->cte == NM_CTE_QP) {
    return nm_quoted_step(e, p, n, out);
  }
  put_fn *put = e->cte == NM_CTE_BASE64 ? put_base64 : put_octets;
  char *end = e->text ? put_text(e, p, n, out, put) : put(e, p, n, out);
  return (size_t)(end - out);
}

size_t nm_encoder_flush(struct nm_encoder *e, char *out) {
  if (e->cte == NM_CTE_QP) {
    return nm_quoted_flush(e, out);
  }
  size_t n = 0;
  if (e->held_n > 0) {
    n = nm_base64_encode(out, (const char *)e->held, e->held_n);
    memcpy(out + n, "\r\n", 2);
    n += 2;
  }
  e->held_n = 0;
  e->cr = 0;
  return n;
}

int64_t nm_encoder_base64_size(int64_t n) {
  if (n < 0 || n > INT64_MAX / 2) {
    return -1;
  }
  int64_t rest = n % NM_LINE_OCTETS;
  return n / NM_LINE_OCTETS * NM_BASE64_LINE + (rest > 0 ? NM_BASE64_SIZE(rest) + 2 : 0);
}

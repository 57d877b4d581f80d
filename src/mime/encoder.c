#include "mime/encoder.h"

#include <string.h>

#include "base/base64.h"
#include "mime/base64_lines.h"
#include "mime/crlf.h"
#include "mime/quoted.h"

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

/* Octets of a text that are encoded at once. */
#define TEXT_SLICE ((size_t)NM_LINE_OCTETS * 16)

/* These return the end of what they wrote. */

static char *put_octets(char *out, const char *p, size_t n) {
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

/* Text in its canonical form, n > 0. */
static char *put_text(struct nm_encoder *e, const char *p, size_t n, char *out) {
  size_t done = e->cr && *p == '\n'; /* with its CR */
  e->cr = p[n - 1] == '\r';
  return out + nm_crlf_kernel(0)->write(out, p + done, n - done);
}

/* Its lines are of any length, those of base64 are not: so it is brought together before it is encoded. */
static char *put_text_base64(struct nm_encoder *e, const char *p, size_t n, char *out) {
  char text[2 * TEXT_SLICE];
  while (n > 0) {
    size_t slice = n < TEXT_SLICE ? n : TEXT_SLICE;
    size_t size = (size_t)(put_text(e, p, slice, text) - text);
    out = put_base64(e, text, size, out);
    p += slice;
    n -= slice;
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
  if (e->cte == NM_CTE_BASE64) {
    return (size_t)((e->text ? put_text_base64(e, p, n, out) : put_base64(e, p, n, out)) - out);
  }
  return (size_t)((e->text ? put_text(e, p, n, out) : put_octets(out, p, n)) - out);
}

/* Whole lines of base64, the held octets among them, and of a text at worst LF alone, each of which becomes two octets. Of quoted-printable
   the inverse of NM_ENCODER_ROOM: 3 n + n / 6 = 19 n / 6. */
size_t nm_encoder_fits(const struct nm_encoder *e, size_t room) {
  if (e->cte != NM_CTE_BASE64) {
    return e->cte == NM_CTE_QP ? (room - 256) / 19 * 6 : (room - 256) / 2;
  }
  size_t n = room / NM_BASE64_LINE * NM_LINE_OCTETS - e->held_n;
  return e->text ? n / 2 : n;
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

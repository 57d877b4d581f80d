#include "base/utf8.h"

#include "base/lanes.h"

static int is_tail(unsigned char c, unsigned char low, unsigned char high) {
  return c >= low && c <= high;
}

/* UTF8-2 = %xC2-DF UTF8-tail
   UTF8-3 = %xE0 %xA0-BF UTF8-tail / %xE1-EC 2( UTF8-tail ) / %xED %x80-9F UTF8-tail / %xEE-EF 2( UTF8-tail )
   UTF8-4 = %xF0 %x90-BF 2( UTF8-tail ) / %xF1-F3 3( UTF8-tail ) / %xF4 %x80-8F 2( UTF8-tail )   (RFC 3629 4) */
size_t nm_utf8_next(const char *p, size_t n, uint32_t *cp_out) {
  if (n == 0) {
    return 0;
  }
  unsigned char c = (unsigned char)p[0];
  uint32_t cp;
  size_t len;
  unsigned char low = 0x80, high = 0xbf; /* of the second octet */
  if (c < 0x80) {
    cp = c;
    len = 1;
  } else if (c >= 0xc2 && c <= 0xdf) {
    cp = c & 0x1fu;
    len = 2;
  } else if (c >= 0xe0 && c <= 0xef) {
    cp = c & 0x0fu;
    len = 3;
    low = c == 0xe0 ? 0xa0 : 0x80;
    high = c == 0xed ? 0x9f : 0xbf;
  } else if (c >= 0xf0 && c <= 0xf4) {
    cp = c & 0x07u;
    len = 4;
    low = c == 0xf0 ? 0x90 : 0x80;
    high = c == 0xf4 ? 0x8f : 0xbf;
  } else {
    return 0;
  }
  if (len > n) {
    return 0;
  }
  for (size_t i = 1; i < len; i++) {
    unsigned char t = (unsigned char)p[i];
    if (!is_tail(t, low, high)) {
      return 0;
    }
    cp = cp << 6 | (t & 0x3fu);
    low = 0x80;
    high = 0xbf;
  }
  if (cp_out != NULL) {
    *cp_out = cp;
  }
  return len;
}

size_t nm_utf8_put(char out[NM_UTF8_MAX], uint32_t cp) {
  static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
  size_t n = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
  for (size_t i = n - 1; i > 0; i--) {
    out[i] = (char)(unsigned char)(0x80 | (cp & 0x3f));
    cp >>= 6;
  }
  out[0] = (char)(unsigned char)(lead[n] | cp);
  return n;
}

#if defined(NM_LANES)
/* Octets that are looked at together where nothing is amiss. */
#  define BLOCK (4 * NM_LANES)

static inline nm_lanes any_of(const char *p) {
  return (nm_lanes_load(p) | nm_lanes_load(p + NM_LANES)) |
         (nm_lanes_load(p + (size_t)2 * NM_LANES) | nm_lanes_load(p + (size_t)3 * NM_LANES));
}

/* Of whole blocks, two at a time. */
static size_t ascii_blocks(const char *p, size_t n) {
  const nm_lanes high = (nm_lanes){0} + (unsigned char)0x80;
  size_t i = 0;
  while (n - i >= (size_t)2 * BLOCK && !nm_lanes_any((any_of(p + i) | any_of(p + i + BLOCK)) & high)) {
    i += (size_t)2 * BLOCK;
  }
  return i;
}
#else
static size_t ascii_blocks(const char *p, size_t n) {
  (void)p;
  (void)n;
  return 0;
}
#endif

/* Octets of plain ASCII from p on. */
static size_t ascii_run(const char *p, size_t n) {
  size_t i = ascii_blocks(p, n);
  while (n - i >= 8) {
    uint64_t w;
    memcpy(&w, p + i, 8);
    if ((w & 0x8080808080808080u) != 0) {
      break;
    }
    i += 8;
  }
  while (i < n && ((unsigned char)p[i] & 0x80) == 0) {
    i++;
  }
  return i;
}

#if defined(NM_LANES)
/* What cannot stand where it is, or is of a character of more than two octets, as in most texts there is none. */
static inline nm_lanes beyond_two(const char *p) {
  nm_lanes c = nm_lanes_load(p);
  nm_lanes is_due = (nm_lanes)((nm_lanes_load(p - 1) & 0xe0) == 0xc0);
  nm_lanes is_there = (nm_lanes)((c & 0xc0) == 0x80);
  nm_lanes longer = (nm_lanes)((c & 0xe0) == 0xe0) | (nm_lanes)((nm_lanes_load(p - 3) & 0xe0) == 0xe0);
  return (is_due ^ is_there) | (nm_lanes)((c & 0xfe) == 0xc0) | longer;
}

static int is_short(const char *p) {
  nm_lanes bad = {0};
  for (size_t k = 0; k < BLOCK; k += NM_LANES) {
    bad |= beyond_two(p + k);
  }
  return !nm_lanes_any(bad);
}

/* The octets that cannot stand where they do, by the productions above: each is held against the three before it. What is open at
   the end is seen by who looks at the octets behind. */
static nm_lanes misplaced(const char *p) {
  nm_lanes c = nm_lanes_load(p), before = nm_lanes_load(p - 1);
  nm_lanes is_due = (nm_lanes)(before >= 0xc2) | (nm_lanes)(nm_lanes_load(p - 2) >= 0xe0) |
                    (nm_lanes)(nm_lanes_load(p - 3) >= 0xf0);
  nm_lanes is_there = (nm_lanes)((c & 0xc0) == 0x80);
  nm_lanes never = (nm_lanes)((c & 0xfe) == 0xc0) | (nm_lanes)(c > 0xf4);
  nm_lanes low = ((nm_lanes)(before == 0xe0) & (nm_lanes)(c < 0xa0)) |
                 ((nm_lanes)(before == 0xf0) & (nm_lanes)(c < 0x90));
  nm_lanes high = ((nm_lanes)(before == 0xed) & (nm_lanes)(c > 0x9f)) |
                  ((nm_lanes)(before == 0xf4) & (nm_lanes)(c > 0x8f));
  return (is_due ^ is_there) | never | low | high;
}

static int is_good(const char *p) {
  return !nm_lanes_any(beyond_two(p)) || !nm_lanes_any(misplaced(p));
}

/* Octets of whole characters from at on, where one begins; stops short of the last character it has seen, and of a bad one. */
static size_t good_lanes(struct nm_str s, size_t at) {
  size_t i = at;
  while (i >= 3 && i < s.n && s.n - i >= BLOCK && is_short(s.p + i)) {
    i += BLOCK;
  }
  while (i >= 3 && i < s.n && s.n - i >= NM_LANES && is_good(s.p + i)) {
    i += NM_LANES;
    i = s.n - i < NM_LANES && i < s.n ? s.n - NM_LANES : i; /* the last ones, some of them once more */
  }
  while (i > at && ((unsigned char)s.p[i - 1] & 0xc0) == 0x80) {
    i--;
  }
  return i > at && (unsigned char)s.p[i - 1] >= 0xc0 ? i - at - 1 : i - at;
}
#else
static size_t good_lanes(struct nm_str s, size_t at) {
  (void)s;
  (void)at;
  return 0;
}
#endif

size_t nm_utf8_valid(struct nm_str s) {
  size_t i = 0, len = 1;
  while (i < s.n && len > 0) {
    i += ascii_run(s.p + i, s.n - i);
    len = good_lanes(s, i);
    if (len == 0 && i < s.n) {
      len = nm_utf8_next(s.p + i, s.n - i, NULL);
    }
    i += len;
  }
  return i;
}

int nm_is_ascii(struct nm_str s) {
  return ascii_run(s.p, s.n) == s.n;
}

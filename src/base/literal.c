#include "base/literal.h"

#include "base/chars.h"

static struct nm_str until(struct nm_str s, size_t from, char stop) {
  size_t end = from;
  while (end < s.n && s.p[end] != stop) {
    end++;
  }
  return nm_str(s.p + from, end - from);
}

/* Snum = 1*3DIGIT ; 0 to 255
   A leading zero is refused though the production has it: half the world reads 010 as 8 (RFC 6943 3.1.1). */
static int is_snum(struct nm_str s) {
  if (s.n > 3 || !nm_all(s, NM_CHAR_DIGIT) || (s.n > 1 && s.p[0] == '0')) {
    return 0;
  }
  int value = 0;
  for (size_t i = 0; i < s.n; i++) {
    value = value * 10 + (s.p[i] - '0');
  }
  return value <= 255;
}

/* IPv4-address-literal = Snum 3("." Snum) */
int nm_is_ipv4(struct nm_str s) {
  size_t at = 0;
  for (int i = 0; i < 4; i++) {
    struct nm_str num = until(s, at, '.');
    if (!is_snum(num)) {
      return 0;
    }
    at += num.n;
    if (at == s.n) {
      return i == 3;
    }
    at++;
  }
  return 0;
}

/* IPv6-full   = IPv6-hex 7(":" IPv6-hex)
   IPv6-comp   = [IPv6-hex *5(":" IPv6-hex)] "::" [IPv6-hex *5(":" IPv6-hex)]   ; no more than 6 groups
   IPv6v4-full = IPv6-hex 5(":" IPv6-hex) ":" IPv4-address-literal
   IPv6v4-comp = the same with "::"                                             ; no more than 4 groups
   An IPv4 tail counts as the two groups whose place it takes, so the four make one rule. */
int nm_is_ipv6(struct nm_str s) {
  int groups = 0;
  int gap = s.n >= 2 && s.p[0] == ':' && s.p[1] == ':';
  size_t at = gap ? 2 : 0;
  while (at < s.n) {
    struct nm_str group = until(s, at, ':');
    at += group.n;
    if (group.n <= 4 && nm_all(group, NM_CHAR_HEX)) {
      groups++;
    } else if (at == s.n && nm_is_ipv4(group)) {
      groups += 2;
    } else {
      return 0;
    }
    if (at == s.n) {
      break;
    }
    at++;
    if (at == s.n) {
      return 0; /* a single ":" at the end */
    }
    if (s.p[at] == ':') {
      if (gap) {
        return 0;
      }
      gap = 1;
      at++;
    }
    if (groups > 8) {
      return 0;
    }
  }
  return gap ? groups <= 6 : groups == 8;
}

/* address-literal = "[" ( IPv4-address-literal / IPv6-address-literal / General-address-literal ) "]"
   IPv6-address-literal = "IPv6:" IPv6-addr */
int nm_is_address_literal(struct nm_str s) {
  if (s.n < 2 || s.p[0] != '[' || s.p[s.n - 1] != ']') {
    return 0;
  }
  struct nm_str tag = NM_STR("IPv6:");
  struct nm_str in = nm_str(s.p + 1, s.n - 2);
  if (nm_str_istarts(in, tag)) {
    return nm_is_ipv6(nm_str(in.p + tag.n, in.n - tag.n));
  }
  return nm_is_ipv4(in);
}

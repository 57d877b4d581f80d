#include "mechanism.h"

static const struct {
  const char *name;
  unsigned bit;
} names[] = {
    {"GSSAPI", NM_MECH_GSSAPI},   {"DIGEST-MD5", NM_MECH_DIGEST_MD5}, {"CRAM-MD5", NM_MECH_CRAM_MD5},
    {"NTLM", NM_MECH_NTLM},       {"PLAIN", NM_MECH_PLAIN},           {"LOGIN", NM_MECH_LOGIN},
    {"KERBEROS", NM_MECH_GSSAPI},
};

unsigned nm_mech_by_name(struct nm_str name) {
  if (name.n == 0) {
    return NM_MECHS_ANY;
  }
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (nm_str_ieq(nm_str_c(names[i].name), name)) {
      return names[i].bit;
    }
  }
  return 0;
}

const char *nm_mech_name(unsigned bit) {
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (names[i].bit == bit) {
      return names[i].name;
    }
  }
  return "";
}

void nm_mech_names(struct nm_buf *b, unsigned set, const char *separator) {
  size_t before = b->n;
  for (unsigned bit = 1; bit <= NM_MECH_LAST; bit <<= 1) {
    if ((set & bit) != 0) {
      nm_buf_add_c(b, b->n > before ? separator : "");
      nm_buf_add_c(b, nm_mech_name(bit));
    }
  }
}

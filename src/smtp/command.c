#include "smtp/command.h"

#include "base/chars.h"
#include "base/error.h"
#include "base/literal.h"

/* The last gate before the wire. RFC 5321 4.1.2: within Path = "<" Mailbox ">" only a quoted string of the local part may
   hold SP, "<" and ">"; no octet outside 32-126 may stand anywhere (4.1.2 qtextSMTP, quoted-pairSMTP), so nothing can end
   the path, add a parameter or end the line. Without SMTPUTF8 (RFC 6531) octets above 126 may not either. */
int nm_command_addr_check(const struct nm_addr *a) {
  if (a == NULL || a->spec.n == 0) {
    return NM_EINVAL;
  }
  int is_quoted = 0;
  for (size_t i = 0; i < a->spec.n; i++) {
    char c = a->spec.p[i];
    if (!nm_is((unsigned char)c, NM_CHAR_PRINT)) {
      return NM_EINVAL;
    }
    if (is_quoted && c == '\\') {
      i++;
      if (i == a->spec.n || !nm_is((unsigned char)a->spec.p[i], NM_CHAR_PRINT)) {
        return NM_EINVAL;
      }
    } else if (c == '"' && (i == 0 || is_quoted)) {
      is_quoted = i == 0;
    } else if (!is_quoted && (c == ' ' || c == '<' || c == '>' || c == '"' || c == '\\')) {
      return NM_EINVAL;
    }
  }
  return is_quoted ? NM_EINVAL : 0;
}

static int path_command(struct nm_buf *b, const char *verb, const struct nm_addr *a, int64_t size,
                        enum nm_body body) {
  if (nm_command_addr_check(a) != 0) {
    return NM_EINVAL;
  }
  if (a->spec.n > NM_COMMAND_MAX - 64) { /* 64: all else that stands in the line */
    return NM_ELIMIT;
  }
  nm_buf_add_c(b, verb);
  nm_buf_add_str(b, a->spec);
  nm_buf_add_byte(b, '>');
  if (size >= 0) {
    nm_buf_addf(b, " SIZE=%lld", (long long)size);
  }
  if (body == NM_BODY_8BITMIME) {
    nm_buf_add_c(b, " BODY=8BITMIME");
  }
  nm_buf_add(b, "\r\n", 2);
  return b->err;
}

int nm_command_mail(struct nm_buf *b, const struct nm_addr *from, int64_t size, enum nm_body body) {
  return path_command(b, "MAIL FROM:<", from, size, body);
}

int nm_command_rcpt(struct nm_buf *b, const struct nm_addr *to) {
  return path_command(b, "RCPT TO:<", to, -1, NM_BODY_7BIT);
}

/* RFC 5321 4.1.1.1: ehlo = "EHLO" SP ( Domain / address-literal ) CRLF */
int nm_ehlo_name_check(struct nm_str name) {
  return nm_is_domain(name) || nm_is_address_literal(name) ? 0 : NM_EINVAL;
}

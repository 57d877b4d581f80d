#include "mime/encoder.h"

/* encoding = "7bit" / "8bit" / "binary" / "quoted-printable" / "base64"   (RFC 2045 6.1) */
int nm_cte_wish_set(struct nm_cte_wish *w, const char *field, struct nm_str name, struct nm_error *e) {
  static const enum nm_cte all[] = {NM_CTE_7BIT, NM_CTE_QP, NM_CTE_BASE64, NM_CTE_8BIT, NM_CTE_BINARY};
  if (name.n == 0) {
    *w = (struct nm_cte_wish){0};
    return 0;
  }
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
    if (nm_str_ieq(name, nm_str_c(nm_cte_name(all[i])))) {
      *w = (struct nm_cte_wish){.is_forced = 1, .forced = all[i]};
      return 0;
    }
  }
  return nm_error_set(
      e, NM_EINVAL, NM_KIND_MESSAGE,
      "%s \"%.*s\" is not a transfer encoding; write 7bit, 8bit, binary, quoted-printable or base64, or "
      "nothing for the best one",
      field, nm_shown(name, 100), name.p);
}

#include "base/base64_strict.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "base/error.h"

int nm_base64_strict(struct nm_buf *out, struct nm_str text) {
  size_t before = out->n, n = 0;
  if (text.n % 4 != 0) {
    return NM_EINVAL;
  }
  if (text.n == 0) {
    return 0;
  }
  char *room = text.n / 4 * 3 > out->max ? NULL : nm_buf_room(out, NM_BASE64_ROOM(text.n));
  if (room == NULL) {
    int err = out->err != 0 ? out->err : NM_ELIMIT;
    out->err = 0;
    return err;
  }
  struct nm_base64_reader r = {0};
  n = nm_base64_step(&r, text.p, text.n, room);
  /* The reader passes over what is no base64. What it read is written again: the same text has but one reading. */
  struct nm_buf again = {.max = NM_BASE64_SIZE(n), .secret = out->secret};
  char *copy = n > 0 ? nm_buf_room(&again, NM_BASE64_SIZE(n)) : NULL;
  int err = copy != NULL ? 0 : n > 0 ? NM_ENOMEM : NM_EINVAL;
  if (err == 0 && (nm_base64_encode(copy, room, n) != text.n || memcmp(copy, text.p, text.n) != 0)) {
    err = NM_EINVAL;
  }
  if (copy != NULL) {
    nm_wipe(copy, NM_BASE64_SIZE(n));
  }
  nm_buf_free(&again);
  out->n = err == 0 ? before + n : before;
  out->p[out->n] = '\0';
  return err;
}

#include "now.h"

#include <time.h>

#include "base/random.h"

/* Minutes east of UTC at t, by the system's time zone. */
static int utc_offset(time_t t) {
  struct tm local;
  return localtime_r(&t, &local) != NULL ? (int)(local.tm_gmtoff / 60) : 0;
}

int nm_now_take(struct nm_now *now, const struct nm_message *m, struct nm_error *e) {
  time_t t = time(NULL);
  now->stamp.date = (int64_t)t;
  now->stamp.offset = utc_offset(t);
  if (nm_random(now->stamp.boundary, sizeof now->stamp.boundary) != 0) {
    return nm_error_set(e, NM_EIO, NM_KIND_MESSAGE, "the system gives no random bytes");
  }
  now->id.max = 512; /* 64 octets of random text and a domain of at most 255 */
  nm_buf_reset(&now->id);
  int err = nm_message_id_make(m, &now->id, e);
  now->stamp.message_id = nm_buf_str(&now->id);
  return err;
}

void nm_now_free(struct nm_now *now) {
  nm_buf_free(&now->id);
  *now = (struct nm_now){0};
}

#include "now.h"

#include <time.h>

#include "base/random.h"
#include "mime/msgid.h"

int nm_utc_offset(int64_t t) {
  time_t moment = (time_t)t;
  struct tm local;
  return localtime_r(&moment, &local) != NULL ? (int)(local.tm_gmtoff / 60) : 0;
}

/* A stamp that had the same second before has nothing to ask the time zone for. */
static void take_moment(struct nm_stamp *stamp) {
  int64_t now = (int64_t)time(NULL);
  if (stamp->dated[0] == '\0' || stamp->date != now) {
    stamp->date = now;
    stamp->offset = nm_utc_offset(now);
    nm_date_put(stamp->dated, stamp->date, stamp->offset);
  }
}

static void take_date(struct nm_stamp *stamp, const struct nm_message *m) {
  if (m->has_date) {
    stamp->date = m->date;
    stamp->offset = m->date_offset;
    stamp->dated[0] = '\0';
  } else {
    take_moment(stamp);
  }
}

static int no_random(struct nm_error *e) {
  return nm_error_set(e, NM_EIO, NM_KIND_MESSAGE, "the system gives no random bytes");
}

int nm_now_stamp(struct nm_stamp *stamp, const struct nm_message *m, struct nm_error *e) {
  take_date(stamp, m);
  return nm_random(stamp->boundary, sizeof stamp->boundary) != 0 ? no_random(e) : 0;
}

int nm_now_take(struct nm_now *now, const struct nm_message *m, struct nm_error *e) {
  take_date(&now->stamp, m);
  /* Asked for at once: it is a system call. */
  unsigned char random[sizeof now->stamp.boundary + NM_MESSAGE_ID_RANDOM];
  if (nm_random(random, sizeof random) != 0) {
    return no_random(e);
  }
  memcpy(now->stamp.boundary, random, sizeof now->stamp.boundary);
  now->id.max = NM_MSGID_MAX; /* also for 64 octets of random text and a domain of at most 255 */
  nm_buf_reset(&now->id);
  now->stamp.is_id_made = m->raw == NULL && m->message_id.n == 0;
  if (m->raw != NULL) { /* it goes as it is */
    int copied = nm_buf_replace(&now->id, "MessageId", nm_buf_str(&m->raw_id), e);
    now->stamp.message_id = nm_buf_str(&now->id);
    return copied;
  }
  const struct nm_addr *author = m->from != NULL ? m->from : m->sender;
  int err = !now->stamp.is_id_made
                ? nm_buf_replace(&now->id, "MessageId", nm_buf_str(&m->message_id), e)
                : nm_message_id_write(author, random + sizeof now->stamp.boundary, &now->id, e);
  now->stamp.message_id = nm_buf_str(&now->id);
  return err;
}

void nm_now_reset(struct nm_now *now) {
  nm_buf_reset(&now->id);
  now->stamp.message_id = nm_str("", 0);
  now->stamp.is_id_made = 0;
}

void nm_now_free(struct nm_now *now) {
  nm_buf_free(&now->id);
  *now = (struct nm_now){0};
}

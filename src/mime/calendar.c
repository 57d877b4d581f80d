#include "mime/calendar.h"

#include "base/chars.h"

/* contentline = name *(";" param ) ":" value CRLF   (RFC 5545 3.1). A line that begins with a space or TAB continues the one before;
   the lines that are looked for here are too short to be folded. Bare LF is taken as a line end, as mail does. */
static struct nm_str next_line(struct nm_str ics, size_t *at) {
  const char *from = ics.p + *at;
  const char *lf = memchr(from, '\n', ics.n - *at);
  size_t n = lf != NULL ? (size_t)(lf - from) : ics.n - *at;
  *at += n + (lf != NULL);
  return nm_str(from, n > 0 && from[n - 1] == '\r' ? n - 1 : n);
}

/* The value of a line of that name without parameters; p NULL: another line. */
static struct nm_str value_of(struct nm_str line, struct nm_str name) {
  if (line.n <= name.n || line.p[name.n] != ':' || !nm_str_ieq(nm_str(line.p, name.n), name)) {
    return nm_str(NULL, 0);
  }
  return nm_str(line.p + name.n + 1, line.n - name.n - 1);
}

/* method = "PUBLISH" / "REQUEST" / "REPLY" / "ADD" / "CANCEL" / "REFRESH" / "COUNTER" / "DECLINECOUNTER"   (RFC 5546 1.4) */
static const char *known_method(struct nm_str value) {
  static const char *const methods[] = {"PUBLISH", "REQUEST", "REPLY",   "ADD",
                                        "CANCEL",  "REFRESH", "COUNTER", "DECLINECOUNTER"};
  for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
    if (nm_str_ieq(value, nm_str_c(methods[i]))) {
      return methods[i];
    }
  }
  return NULL;
}

static int refuse(struct nm_error *e, const char *why) {
  return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "Calendar %s", why);
}

int nm_calendar_method(struct nm_str ics, struct nm_buf *out, struct nm_error *e) {
  const char *method = NULL;
  size_t at = 0, depth = 0, objects = 0;
  while (at < ics.n) {
    struct nm_str line = next_line(ics, &at);
    struct nm_str begin = value_of(line, NM_STR("BEGIN"));
    struct nm_str found = depth == 1 ? value_of(line, NM_STR("METHOD")) : nm_str(NULL, 0);
    if (depth == 0 && line.n > 0 && !nm_str_ieq(begin, NM_STR("VCALENDAR"))) {
      return refuse(
          e, "is not an iCalendar object: it must begin with BEGIN:VCALENDAR and end with END:VCALENDAR");
    }
    if (found.p != NULL && method != NULL) {
      return refuse(e, "has more than one METHOD");
    }
    if (found.p != NULL) {
      method = known_method(found);
      if (method == NULL) {
        return refuse(e, "has a METHOD that RFC 5546 does not know; write REQUEST, REPLY or CANCEL");
      }
    }
    objects += depth == 0 && begin.p != NULL;
    depth += begin.p != NULL;
    depth -= depth > 0 && value_of(line, NM_STR("END")).p != NULL;
  }
  if (objects != 1 || depth != 0) {
    return refuse(e, "is not one whole iCalendar object: BEGIN:VCALENDAR up to END:VCALENDAR");
  }
  if (method == NULL) {
    return refuse(e, "has no METHOD, so it is no invitation: add METHOD:REQUEST, or attach it as a file");
  }
  nm_buf_add_c(out, method);
  return out->err != 0 ? nm_error_nomem(e) : 0;
}

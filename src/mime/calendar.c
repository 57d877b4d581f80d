#include "mime/calendar.h"

#include "base/chars.h"

/* contentline = name *(";" param) ":" value CRLF   (RFC 5545 3.1). "A long line can be split between any two characters by inserting a
   CRLF immediately followed by a single linear white-space character": readers look at what is left when that is undone, so
   this does too. Any line end is taken, as mail does, which writes each as CRLF. */
struct line {
  enum { NAME, PARAM, QUOTED, VALUE } in;
  char name[12], value[20]; /* longer ones are none that is looked for here */
  size_t name_n, value_n;   /* octets, also of what has no room */
};

static void keep(char *to, size_t cap, size_t *n, char c) {
  if (*n < cap) {
    to[*n] = c;
  }
  ++*n;
}

/* param = param-name "=" param-value *("," param-value)   param-value = paramtext / quoted-string   (RFC 5545 3.1) */
static void step(struct line *l, char c) {
  switch (l->in) {
    case NAME:
      if (c == ':' || c == ';') {
        l->in = c == ':' ? VALUE : PARAM;
      } else {
        keep(l->name, sizeof l->name, &l->name_n, c);
      }
      break;
    case PARAM:
      l->in = c == '"' ? QUOTED : c == ':' ? VALUE : PARAM;
      break;
    case QUOTED:
      l->in = c == '"' ? PARAM : QUOTED;
      break;
    case VALUE:
      keep(l->value, sizeof l->value, &l->value_n, c);
      break;
  }
}

/* Octets of the line end at that place; 0: there is none. */
static size_t line_end(struct nm_str ics, size_t at) {
  if (ics.p[at] != '\r') {
    return ics.p[at] == '\n';
  }
  return at + 1 < ics.n && ics.p[at + 1] == '\n' ? 2 : 1;
}

static int is_fold(struct nm_str ics, size_t at) {
  return at < ics.n && (ics.p[at] == ' ' || ics.p[at] == '\t');
}

static struct line next_line(struct nm_str ics, size_t *at) {
  struct line l = {0};
  while (*at < ics.n) {
    size_t end = line_end(ics, *at);
    *at += end;
    if (end > 0 && !is_fold(ics, *at)) {
      break;
    }
    if (end == 0) {
      step(&l, ics.p[*at]);
    }
    ++*at; /* the octet, or the white space of the fold */
  }
  return l;
}

static int has_name(const struct line *l, struct nm_str name) {
  return l->in == VALUE && l->name_n <= sizeof l->name && nm_str_ieq(nm_str(l->name, l->name_n), name);
}

/* p NULL when it is longer than any that is looked for. */
static struct nm_str value_of(const struct line *l) {
  return l->value_n <= sizeof l->value ? nm_str(l->value, l->value_n) : nm_str(NULL, 0);
}

static int is_vcalendar(const struct line *l, struct nm_str name) {
  return has_name(l, name) && nm_str_ieq(value_of(l), NM_STR("VCALENDAR"));
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

/* What was found so far. */
struct walk {
  size_t depth;   /* components that are open */
  size_t objects; /* VCALENDAR */
  const char *method;
};

static int take_method(struct walk *w, const struct line *l, struct nm_error *e) {
  if (w->method != NULL) {
    return refuse(e, "has more than one METHOD");
  }
  w->method = known_method(value_of(l));
  return w->method != NULL
             ? 0
             : refuse(e, "has a METHOD that RFC 5546 does not know; write REQUEST, REPLY or CANCEL");
}

/* icalobject = "BEGIN:VCALENDAR" icalbody "END:VCALENDAR"   (RFC 5545 3.4). METHOD counts outside of the components within. */
static int take_line(struct walk *w, const struct line *l, struct nm_error *e) {
  int is_begin = has_name(l, NM_STR("BEGIN")), is_end = has_name(l, NM_STR("END"));
  int is_empty = l->in == NAME && l->name_n == 0;
  if ((w->depth == 0 && !is_empty && !is_vcalendar(l, NM_STR("BEGIN"))) ||
      (w->depth == 1 && is_end && !is_vcalendar(l, NM_STR("END")))) {
    return refuse(
        e, "is not an iCalendar object: it must begin with BEGIN:VCALENDAR and end with END:VCALENDAR");
  }
  int err = w->depth == 1 && has_name(l, NM_STR("METHOD")) ? take_method(w, l, e) : 0;
  w->objects += w->depth == 0 && is_begin;
  w->depth += (size_t)is_begin;
  w->depth -= (size_t)is_end;
  return err;
}

int nm_calendar_method(struct nm_str ics, struct nm_buf *out, struct nm_error *e) {
  struct walk w = {0};
  for (size_t at = 0; at < ics.n;) {
    struct line l = next_line(ics, &at);
    int err = take_line(&w, &l, e);
    if (err != 0) {
      return err;
    }
  }
  if (w.objects != 1 || w.depth != 0) {
    return refuse(e, "is not one whole iCalendar object: BEGIN:VCALENDAR up to END:VCALENDAR");
  }
  if (w.method == NULL) {
    return refuse(e, "has no METHOD, so it is no invitation: add METHOD:REQUEST, or attach it as a file");
  }
  nm_buf_add_c(out, w.method);
  return out->err != 0 ? nm_error_nomem(e) : 0;
}

/// Properties of a message that are header fields.
// A list among them (`References`, `Keywords`, `ListUnsubscribe`) is read as a new array: change it and assign it again.
// What is not here goes through `Headers`.
// @module netmail

#include "lua_message_fields.h"

#include <string.h>
#include <time.h>

#include "lua_addr.h"
#include "lua_headers.h"
#include "lua_list.h"
#include "lua_message.h"
#include "mime/date.h"
#include "mime/fields.h"
#include "mime/list_urls.h"
#include "mime/msgid.h"
#include "mime/phrase.h"
#include "now.h"

int nm_message_get_headers(lua_State *L, void *object) {
  nm_push_headers(L, ((struct nm_message *)object)->fields);
  return 1;
}

int nm_message_put_headers(lua_State *L, void *object, int i, struct nm_error *e) {
  return nm_assign_headers(L, ((struct nm_message *)object)->fields, i, e);
}

int nm_message_get_notify(lua_State *L, void *object) {
  nm_push_list(L, &nm_addr_list_class, ((struct nm_message *)object)->notify);
  return 1;
}

int nm_message_put_notify(lua_State *L, void *object, int i, struct nm_error *e) {
  return nm_assign_list(L, &nm_addr_list_class, ((struct nm_message *)object)->notify, i, e);
}

/* ---- MessageId and Date: nil when each send makes its own ---- */

int nm_message_get_message_id(lua_State *L, void *object) {
  const struct nm_message *m = object;
  const struct nm_buf *id = m->raw != NULL ? &m->raw_id : &m->message_id;
  return nm_push_opt_str(L, nm_buf_str(id));
}

int nm_message_put_message_id(lua_State *L, void *object, int i, struct nm_error *e) {
  return nm_message_set_message_id(object, nm_opt_string(L, i, "MessageId"), e);
}

int nm_message_get_date(lua_State *L, void *object) {
  const struct nm_message *m = object;
  if (!m->has_date) {
    lua_pushnil(L);
  } else {
#if LUA_VERSION_NUM < 503
    lua_pushnumber(L, (lua_Number)m->date);
#else
    lua_pushinteger(L, (lua_Integer)m->date);
#endif
  }
  return 1;
}

static int64_t check_seconds(lua_State *L, int i) {
  lua_Number n = lua_tonumber(L, i);
  if (!(n >= (lua_Number)NM_DATE_FIRST && n <= (lua_Number)NM_DATE_LAST)) { /* false for NaN too */
    luaL_error(L, "bad value for 'Date' (seconds since 1970 within the years 1900 to 9999 expected)");
  }
  if ((lua_Number)(int64_t)n != n) {
    luaL_error(L, "bad value for 'Date' (a whole number of seconds expected, got a fraction)");
  }
  return (int64_t)n;
}

int nm_message_put_date(lua_State *L, void *object, int i, struct nm_error *e) {
  struct nm_message *m = object;
  if (lua_isnil(L, i)) {
    m->has_date = 0;
  } else if (lua_type(L, i) == LUA_TNUMBER) {
    m->date = check_seconds(L, i);
    m->date_offset = nm_utc_offset(m->date);
    m->has_date = 1;
  } else if (lua_type(L, i) != LUA_TSTRING) {
    return nm_type_error(L, i, "Date", "number or string");
  } else {
    struct nm_str text = nm_check_string(L, i, "Date");
    if (nm_date_parse(text, &m->date, &m->date_offset) != 0) {
      return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                          "Date: \"%.*s\" is no date; write it as 22 Nov 2026 02:52:45 +0300, or give the "
                          "seconds since 1970",
                          nm_shown(text, 200), text.p);
    }
    m->has_date = 1;
  }
  return 0;
}

/* ---- fields of one text ---- */

static int get_text(lua_State *L, const struct nm_message *m, struct nm_str name) {
  struct nm_str value = nm_fields_get(m->fields, name);
  if (value.p == NULL) {
    lua_pushnil(L);
  } else {
    nm_push_str(L, value);
  }
  return 1;
}

/* p NULL removes it. */
static int put(struct nm_message *m, struct nm_str name, struct nm_str value, struct nm_error *e) {
  if (value.p == NULL) {
    nm_fields_remove(m->fields, name);
    return 0;
  }
  return nm_fields_set(m->fields, name, value, e);
}

int nm_message_get_comments(lua_State *L, void *object) {
  return get_text(L, object, NM_STR("Comments"));
}

int nm_message_put_comments(lua_State *L, void *object, int i, struct nm_error *e) {
  return put(object, NM_STR("Comments"), nm_opt_string(L, i, "Comments"), e);
}

int nm_message_get_auto_submitted(lua_State *L, void *object) {
  return get_text(L, object, NM_STR("Auto-Submitted"));
}

int nm_message_put_auto_submitted(lua_State *L, void *object, int i, struct nm_error *e) {
  return put(object, NM_STR("Auto-Submitted"), nm_opt_string(L, i, "AutoSubmitted"), e);
}

/* false, or nil for a message that says nothing: RFC 8689 3 has no "Yes". */
int nm_message_get_tls_required(lua_State *L, void *object) {
  if (nm_fields_get(((struct nm_message *)object)->fields, NM_STR("TLS-Required")).p == NULL) {
    lua_pushnil(L);
  } else {
    lua_pushboolean(L, 0);
  }
  return 1;
}

int nm_message_put_tls_required(lua_State *L, void *object, int i, struct nm_error *e) {
  if (!lua_isnil(L, i) && nm_check_boolean(L, i, "TlsRequired")) {
    return luaL_error(
        L, "bad value for 'TlsRequired' (false or nil expected; TLS on every hop is asked for with "
           "the option RequireTls of Send)");
  }
  return put(object, NM_STR("TLS-Required"), lua_isnil(L, i) ? nm_str(NULL, 0) : NM_STR("No"), e);
}

/* ---- fields of several elements ---- */

/* Appends an element to what the field will be given as its value. */
typedef void add_fn(struct nm_buf *b, struct nm_str element);

static void add_id(struct nm_buf *b, struct nm_str id) {
  nm_buf_add_c(b, b->n > 0 ? " " : "");
  nm_buf_add_str(b, id);
}

static void add_phrase(struct nm_buf *b, struct nm_str phrase) {
  nm_buf_add_c(b, b->n > 0 ? ", " : "");
  nm_phrase_quote(b, phrase);
}

/* One URL, with or without its brackets: one in it would let an element say more than one. */
static void add_url(struct nm_buf *b, struct nm_str url) {
  if (url.n > 1 && url.p[0] == '<' && url.p[url.n - 1] == '>') {
    url = nm_str(url.p + 1, url.n - 2);
  }
  if (url.n > 0 && (memchr(url.p, '<', url.n) != NULL || memchr(url.p, '>', url.n) != NULL)) {
    b->err = b->err == 0 ? NM_EINVAL : b->err;
    return;
  }
  nm_buf_add_c(b, b->n > 0 ? ", <" : "<");
  nm_buf_add_str(b, url);
  nm_buf_add_c(b, ">");
}

static void release_buf(void *memory) {
  nm_buf_free(memory);
}

/* A string is the whole value, a table an array of elements. */
static int put_list(lua_State *L, struct nm_message *m, struct nm_str name, const char *what, int i,
                    add_fn *add, struct nm_error *e) {
  i = lua_absindex(L, i);
  if (lua_type(L, i) != LUA_TTABLE) {
    if (!lua_isnil(L, i) && lua_type(L, i) != LUA_TSTRING) {
      return nm_type_error(L, i, what, "string or array of strings");
    }
    return put(m, name, nm_opt_string(L, i, what), e);
  }
  size_t n = nm_check_array(L, i, what);
  struct nm_buf *b = nm_scratch(L, sizeof *b, release_buf);
  b->max = NM_FIELD_VALUE_MAX;
  for (size_t k = 1; k <= n; k++) {
    lua_rawgeti(L, i, (int)k);
    add(b, nm_check_string(L, -1, what));
    lua_pop(L, 1);
  }
  if (b->err == NM_ENOMEM) {
    return nm_error_nomem(e);
  }
  if (b->err == NM_EINVAL) {
    return nm_error_set(e, b->err, NM_KIND_MESSAGE,
                        "%s: an element of the array is one URL, without < and > in it", what);
  }
  if (b->err != 0) {
    return nm_error_set(e, b->err, NM_KIND_MESSAGE, "%s is too long: at most %d bytes are allowed", what,
                        NM_FIELD_VALUE_MAX);
  }
  int err = put(m, name, n > 0 ? nm_buf_str(b) : nm_str(NULL, 0), e);
  nm_scratch_release(L, lua_gettop(L));
  return err;
}

/* Pushes an array of what next finds in the field's value. */
static int get_list(lua_State *L, const struct nm_message *m, struct nm_str name,
                    int (*next)(struct nm_str text, size_t *at, struct nm_str *out), const char *before,
                    const char *after) {
  struct nm_str value = nm_fields_get(m->fields, name), element;
  size_t at = 0;
  lua_newtable(L);
  for (int n = 1; value.p != NULL && next(value, &at, &element) > 0; n++) {
    lua_pushstring(L, before);
    nm_push_str(L, element);
    lua_pushstring(L, after);
    lua_concat(L, 3);
    lua_rawseti(L, -2, n);
  }
  return 1;
}

int nm_message_get_in_reply_to(lua_State *L, void *object) {
  return get_text(L, object, NM_STR("In-Reply-To"));
}

int nm_message_put_in_reply_to(lua_State *L, void *object, int i, struct nm_error *e) {
  return put_list(L, object, NM_STR("In-Reply-To"), "InReplyTo", i, add_id, e);
}

/* Those that are none are left out. */
static int next_id(struct nm_str text, size_t *at, struct nm_str *out) {
  int got;
  do {
    got = nm_msgid_next(text, at, out);
  } while (got == NM_EINVAL);
  return got;
}

int nm_message_get_references(lua_State *L, void *object) {
  return get_list(L, object, NM_STR("References"), next_id, "<", ">");
}

int nm_message_put_references(lua_State *L, void *object, int i, struct nm_error *e) {
  return put_list(L, object, NM_STR("References"), "References", i, add_id, e);
}

/* All the Keywords fields there are; assigning makes one of them. */
int nm_message_get_keywords(lua_State *L, void *object) {
  const struct nm_list *fields = ((struct nm_message *)object)->fields;
  struct nm_str name = NM_STR("Keywords");
  lua_newtable(L);
  int result = lua_gettop(L), n = 0;
  struct nm_buf *phrase = nm_scratch(L, sizeof *phrase, release_buf);
  phrase->max = NM_FIELD_VALUE_MAX;
  for (size_t i = 0; (i = nm_fields_find(fields, name, i)) < fields->n; i++) {
    size_t at = 0;
    while (nm_phrase_next(((const struct nm_field *)fields->items[i])->value, &at, phrase) > 0) {
      nm_push_str(L, nm_buf_str(phrase));
      lua_rawseti(L, result, ++n);
      nm_buf_reset(phrase);
    }
  }
  if (phrase->err != 0) {
    return luaL_error(L, "out of memory");
  }
  nm_scratch_release(L, result + 1);
  lua_settop(L, result);
  return 1;
}

int nm_message_put_keywords(lua_State *L, void *object, int i, struct nm_error *e) {
  return put_list(L, object, NM_STR("Keywords"), "Keywords", i, add_phrase, e);
}

int nm_message_get_list_unsubscribe(lua_State *L, void *object) {
  return get_list(L, object, NM_STR("List-Unsubscribe"), nm_list_url_next, "", "");
}

int nm_message_put_list_unsubscribe(lua_State *L, void *object, int i, struct nm_error *e) {
  return put_list(L, object, NM_STR("List-Unsubscribe"), "ListUnsubscribe", i, add_url, e);
}

int nm_message_get_one_click(lua_State *L, void *object) {
  const struct nm_message *m = object;
  lua_pushboolean(L, nm_fields_get(m->fields, NM_STR("List-Unsubscribe-Post")).p != NULL);
  return 1;
}

int nm_message_put_one_click(lua_State *L, void *object, int i, struct nm_error *e) {
  return nm_message_set_one_click(object, nm_check_boolean(L, i, "ListUnsubscribeOneClick"), e);
}

void nm_open_message_fields(lua_State *L) {
  nm_open_headers(L);
  nm_open_resend(L);
}

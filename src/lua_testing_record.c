/// What a test server has heard, as plain tables.
// @module netmail.testing

#include "lua_testing.h"

#include "testing/number.h"

static void set_optional(lua_State *L, const char *key, struct nm_str s) {
  if (s.n > 0) {
    nm_set_field_str(L, key, s);
  }
}

/* "SIZE=12 SMTPUTF8" as { SIZE = "12", SMTPUTF8 = true }, keywords in capitals. */
static void push_parameters(lua_State *L, struct nm_str rest) {
  lua_newtable(L);
  while (rest.n > 0) {
    struct nm_str word = nm_word(&rest);
    const char *equals = memchr(word.p, '=', word.n);
    size_t n = equals != NULL ? (size_t)(equals - word.p) : word.n;
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    for (size_t i = 0; i < n; i++) {
      luaL_addchar(&b, word.p[i] >= 'a' && word.p[i] <= 'z' ? (char)(word.p[i] - ('a' - 'A')) : word.p[i]);
    }
    luaL_pushresult(&b);
    if (equals != NULL) {
      lua_pushlstring(L, equals + 1, word.n - n - 1);
    } else {
      lua_pushboolean(L, 1);
    }
    lua_rawset(L, -3);
  }
}

/* With protocol types of RFC 3848 4.2, as a Received field would have it. */
static void set_protocol(lua_State *L, const struct nm_mail *m) {
  lua_pushfstring(L, "%s%s%s",
                  m->lmtp       ? "LMTP"
                  : m->extended ? "ESMTP"
                                : "SMTP",
                  m->tls.n > 0 ? "S" : "", m->mechanism.n > 0 ? "A" : "");
  lua_setfield(L, -2, "Protocol");
}

static void set_recipients(lua_State *L, const struct nm_mail *m) {
  struct nm_str address, parameters;
  int n = 0;
  lua_newtable(L);
  lua_newtable(L);
  for (size_t at = 0; nm_texts_next(&m->to, &at, &address) && nm_texts_next(&m->to, &at, &parameters);) {
    n++;
    nm_push_str(L, address);
    lua_rawseti(L, -3, n);
    push_parameters(L, parameters);
    lua_rawseti(L, -2, n);
  }
  lua_setfield(L, -3, "RcptParameters");
  lua_setfield(L, -2, "To");
}

static void push_message(lua_State *L, const struct nm_mail *m) {
  lua_newtable(L);
  nm_set_field_str(L, "From", nm_buf_str(&m->from));
  set_recipients(L, m);
  push_parameters(L, nm_buf_str(&m->parameters));
  lua_setfield(L, -2, "MailParameters");
  nm_set_field_str(L, "Data", nm_buf_str(&m->data));
  nm_set_field_str(L, "Helo", nm_buf_str(&m->helo));
  set_protocol(L, m);
  set_optional(L, "Tls", nm_buf_str(&m->tls));
  set_optional(L, "User", nm_buf_str(&m->user));
  set_optional(L, "Mechanism", nm_buf_str(&m->mechanism));
  lua_pushboolean(L, m->chunked);
  lua_setfield(L, -2, "Chunked");
  lua_pushinteger(L, (lua_Integer)m->connection);
  lua_setfield(L, -2, "Connection");
  lua_pushfstring(L, "T%d", (int)m->number);
  lua_setfield(L, -2, "QueueId");
}

void nm_testing_push_messages(lua_State *L, const struct nm_record *r) {
  lua_createtable(L, (int)r->n_mails, 0);
  for (size_t i = 0; i < r->n_mails; i++) {
    push_message(L, r->mails[i]);
    lua_rawseti(L, -2, (int)i + 1);
  }
}

void nm_testing_push_connections(lua_State *L, const struct nm_record *r) {
  lua_createtable(L, (int)r->n_visitors, 0);
  for (size_t i = 0; i < r->n_visitors; i++) {
    const struct nm_visitor *v = &r->visitors[i];
    lua_newtable(L);
    set_optional(L, "Tls", nm_buf_str(&v->tls));
    set_optional(L, "User", nm_buf_str(&v->user));
    set_optional(L, "End", nm_str_c(v->how));
    lua_pushboolean(L, !v->is_over);
    lua_setfield(L, -2, "Open");
    lua_rawseti(L, -2, (int)i + 1);
  }
}

void nm_testing_push_commands(lua_State *L, const struct nm_record *r, uint64_t connection) {
  struct nm_str number, line;
  int n = 0;
  lua_newtable(L);
  for (size_t at = 0; nm_texts_next(&r->lines, &at, &number) && nm_texts_next(&r->lines, &at, &line);) {
    uint64_t by;
    memcpy(&by, number.p, sizeof by);
    if (connection == 0 || connection == by) {
      nm_push_str(L, line);
      lua_rawseti(L, -2, ++n);
    }
  }
}

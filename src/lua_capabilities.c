/// What a server offers.
// @module netmail

#include "lua_capabilities.h"

/* The next piece of s up to the separator, which goes too. */
static struct nm_str cut(struct nm_str *s, char separator) {
  const char *end = s->n > 0 ? memchr(s->p, separator, s->n) : NULL;
  struct nm_str piece = nm_str(s->p, end != NULL ? (size_t)(end - s->p) : s->n);
  size_t used = end != NULL ? piece.n + 1 : piece.n;
  *s = nm_str(s->p + used, s->n - used);
  return piece;
}

static void push_upper(lua_State *L, struct nm_str s) {
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (size_t i = 0; i < s.n; i++) {
    char c = s.p[i];
    luaL_addchar(&b, c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c);
  }
  luaL_pushresult(&b);
}

/* ehlo-line = ehlo-keyword *( SP ehlo-param )   (RFC 5321 4.1.1.1); of a keyword that comes again the first line counts, as in the
   engine. "AUTH=PLAIN" is what servers say for clients of before RFC 4954, and no keyword. */
static void set_extension(lua_State *L, struct nm_str line) {
  struct nm_str keyword = cut(&line, ' ');
  push_upper(L, keyword);
  lua_pushvalue(L, -1);
  if (keyword.n == 0 || memchr(keyword.p, '=', keyword.n) != NULL || nm_lua_rawget(L, -3) != LUA_TNIL) {
    lua_pop(L, 2);
    return;
  }
  lua_pop(L, 1);
  nm_push_str(L, nm_str_trim(line, " "));
  lua_rawset(L, -3);
}

static void push_lines(lua_State *L, struct nm_str lines) {
  lua_newtable(L);
  for (int n = 1; lines.n > 0; n++) {
    nm_push_str(L, cut(&lines, '\n'));
    lua_rawseti(L, -2, n);
  }
}

static void push_extensions(lua_State *L, struct nm_str lines) {
  lua_newtable(L);
  while (lines.n > 0) {
    set_extension(L, nm_str_trim(cut(&lines, '\n'), " "));
  }
}

static void push_auth(lua_State *L, struct nm_str mechanisms) {
  lua_newtable(L);
  for (int n = 1; mechanisms.n > 0; n++) {
    nm_push_str(L, cut(&mechanisms, ' '));
    lua_rawseti(L, -2, n);
  }
}

/* 0: the server said none. */
static void set_number(lua_State *L, const char *name, int64_t value) {
  if (value > 0) {
#if LUA_VERSION_NUM < 503
    lua_pushnumber(L, (lua_Number)value);
#else
    lua_pushinteger(L, (lua_Integer)value);
#endif
    lua_setfield(L, -2, name);
  }
}

/// What the connected server offered in its last answer to EHLO: a copy, taken when `Client.Capabilities` is read.
// nil when there is no connection: before the first Send, after Close, after an error that ended it.
// @table Capabilities
// @field Extensions keyword (upper case) to parameters (text, `""` for none): `Extensions.SMTPUTF8`, `Extensions.SIZE == "35882577"`
// @field Auth the mechanisms of AUTH (RFC 4954), upper case, in the server's order
// @field Size the largest message in bytes (RFC 1870); nil: not said
// @field MaxRecipients of one transaction, `MaxDomains` of those recipients, `MaxTransactions` of one connection (LIMITS, RFC 9422); nil:
//   not said
// @field MinDeliverBy the shortest time in seconds (RFC 2852); nil: not said
// @field MaxHoldFor,MaxHoldUntil the longest delay in seconds, the last moment in seconds since 1970 (RFC 4865); nil: not said
// @field Lines the answer, but for its first line, as the server wrote it
void nm_push_capabilities(lua_State *L, const struct nm_caps *caps) {
  lua_newtable(L);
  push_extensions(L, nm_buf_str(&caps->lines));
  lua_setfield(L, -2, "Extensions");
  push_lines(L, nm_buf_str(&caps->lines));
  lua_setfield(L, -2, "Lines");
  push_auth(L, nm_buf_str(&caps->auth));
  lua_setfield(L, -2, "Auth");
  set_number(L, "Size", caps->size);
  set_number(L, "MaxRecipients", caps->rcpt_max);
  set_number(L, "MaxTransactions", caps->mail_max);
  set_number(L, "MaxDomains", caps->domain_max);
  set_number(L, "MinDeliverBy", caps->by_min);
  set_number(L, "MaxHoldFor", caps->hold_max);
  set_number(L, "MaxHoldUntil", caps->hold_until);
}

/* The C half of `require "netmail"`: the classes. lua/netmail/init.lua adds the rest. */

#include "lua_addr.h"
#include "lua_part.h"
#include "lua_client.h"
#include "lua_credential.h"
#include "lua_html.h"
#include "lua_message.h"
#include "lua_pin.h"
#include "lua_util.h"

#include <stdint.h>

__attribute__((visibility("default"))) int luaopen_netmail_core(lua_State *L);

static int no_new_priority(lua_State *L) {
  return luaL_error(L, "netmail.MailPriority has High, Low and Normal, and takes no others");
}

/// The values of `Message.Priority`: `High`, `Low`, `Normal`. A table of plain numbers, which pairs goes through in every Lua; so an assignment to
// one of the three cannot be refused, as it cannot for math.pi. Nothing in netmail reads it there.
// @table MailPriority
static void push_priorities(lua_State *L) {
  static const luaL_Reg no_functions[] = {{NULL, NULL}};
  nm_push_class_table(L, "MailPriority", no_functions, NULL);
  lua_pushinteger(L, NM_PRIORITY_HIGH);
  lua_setfield(L, -2, "High");
  lua_pushinteger(L, NM_PRIORITY_LOW);
  lua_setfield(L, -2, "Low");
  lua_pushinteger(L, NM_PRIORITY_NORMAL);
  lua_setfield(L, -2, "Normal");
  (void)lua_getmetatable(L, -1);
  lua_pushcfunction(L, no_new_priority);
  lua_setfield(L, -2, "__newindex");
  lua_pop(L, 1);
}

int luaopen_netmail_core(lua_State *L) {
  static const struct {
    const char *name;
    void (*push)(lua_State *);
  } members[] = {
      {"MailAddress", nm_open_addr},    {"Attachment", nm_open_part},
      {"MailMessage", nm_open_message}, {"NetworkCredential", nm_open_credential},
      {"Part", nm_push_part_table},     {"CredentialCache", nm_open_cache},
      {"SmtpClient", nm_open_client},   {"MailPriority", push_priorities},
      {"HtmlToText", nm_open_html},
  };
  nm_pin((void *)(uintptr_t)luaopen_netmail_core);
  lua_newtable(L);
  for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
    members[i].push(L);
    lua_setfield(L, -2, members[i].name);
  }
  return 1;
}

#ifndef NM_LUA_TESTING_H
#define NM_LUA_TESTING_H

#include "lua_util.h"
#include "testing/server.h"

/* Between the files of netmail.testing. */

/* The userdata's object. */
struct testing {
  struct nm_server *server;
  struct nm_buf ca_file; /* made at first use */
  struct nm_buf client_file;
};

NM_HIDDEN_BEGIN

/* lua_testing.c */
extern const struct nm_class nm_testing_class;
void nm_testing_stop(void *object);
/* Pushes the path of the CA's file, which is made at first use, or nil. */
int nm_testing_push_ca_file(lua_State *L, struct testing *t);
/* lua_testing_methods.c */
extern const luaL_Reg nm_testing_methods[];

/* lua_testing_setup.c: house from the table of options at i. Raises for types; returns a code for content. */
int nm_testing_read_setup(lua_State *L, int i, struct nm_house *house, struct nm_error *e);
/* lua_testing_fault.c: the list at i. */
int nm_testing_read_faults(lua_State *L, int i, struct nm_faults *faults, struct nm_error *e);
/* "good", "expired", "wrong-name", "self-signed" */
int nm_testing_read_certificate(lua_State *L, int i, enum nm_tls_certificate *out, struct nm_error *e);

/* lua_testing_record.c; each pushes one table. */
void nm_testing_push_messages(lua_State *L, const struct nm_record *r);
void nm_testing_push_connections(lua_State *L, const struct nm_record *r);
/* connection 0: of all. */
void nm_testing_push_commands(lua_State *L, const struct nm_record *r, uint64_t connection);

NM_HIDDEN_END

#endif

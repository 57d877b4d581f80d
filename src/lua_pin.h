#ifndef NM_LUA_PIN_H
#define NM_LUA_PIN_H

#include <dlfcn.h>
#include <stddef.h>

/* Keeps the shared object that holds the function at address in memory for ever: a Lua state may close its libraries
   before it collects the objects that use them. LuaRocks' builtin build cannot pass -Wl,-z,nodelete, so it is done by code. */
static inline void nm_pin(void *address) {
  Dl_info info;
  if (dladdr(address, &info) != 0 && info.dli_fname != NULL) {
    /* Never closed: that is the point. In a program that links us statically it finds nothing to do. */
    (void)dlopen(info.dli_fname, RTLD_NOW | RTLD_NODELETE | RTLD_NOLOAD);
  }
}

#endif

#ifndef NM_NET_CAS_H
#define NM_NET_CAS_H

#include "base/hidden.h"
#include "net/openssl.h"
#include "net/stamp.h"

/* The CAs of one file, as libcurl has loaded them for one connection: later ones, of whichever client, are verified by the same ones without
   the file being read and parsed anew (18 ms for the system's, and 2 MB). libcurl's own cache knows one client's alone, and the file by
   its name. A folder of CAs is read as it is needed and is nothing to keep. */
struct nm_cas; /* counted */

NM_HIDDEN_BEGIN

/* Of this file as it is now. NULL: out of memory. */
struct nm_cas *nm_cas_new(const char *file, const struct nm_stamp *stamp);
struct nm_cas *nm_cas_ref(struct nm_cas *c);
void nm_cas_unref(struct nm_cas **c);
/* Whether they are those of the file, and the file is still the same one. */
int nm_cas_are_of(const struct nm_cas *c, const char *file);
int nm_cas_are(const struct nm_cas *c, const char *file, const struct nm_stamp *stamp);
int nm_cas_are_loaded(const struct nm_cas *c);
/* A connection that begins is verified by those that are loaded, if they are. */
void nm_cas_use(const struct nm_cas *c, struct ssl_ctx_st *ctx);
/* A connection's handshake is over: those that it was verified by are all that the file has. What was loaded for one that failed need not be:
   libcurl tells only then that the file cannot be read, or not to its end. */
void nm_cas_keep(struct nm_cas *c, const struct nm_openssl *lib, const struct ssl_ctx_st *ctx);

NM_HIDDEN_END

#endif

#ifndef NM_TESTING_SERVER_H
#define NM_TESTING_SERVER_H

#include "base/error.h"
#include "base/hidden.h"
#include "testing/visit.h"

/* A server on a loopback address with a thread of its own, so that it answers while the program that made it waits for the answer. All that
   is called here may be called by one other thread at a time; it never waits for a client. In a forked child there is no such thread:
   everything is refused there, and what is freed lets go of the descriptors alone. */
struct nm_server;

/* What nm_server_wait waits for. */
enum nm_server_event {
  NM_SERVER_MESSAGES, /* so many have been recorded */
  NM_SERVER_IDLE      /* no client is there */
};

NM_HIDDEN_BEGIN

/* Takes what house has (leaves it empty), also when it fails: NM_EINVAL, NM_ENOMEM, NM_EIO. */
int nm_server_new(struct nm_house *house, struct nm_server **out, struct nm_error *e);
/* Drops every line and ends the thread; what was recorded stays. Twice is fine. */
void nm_server_stop(struct nm_server *s);
/* Stops. */
void nm_server_free(struct nm_server **s);
/* NM_EINVAL in a forked child. */
int nm_server_check(const struct nm_server *s, struct nm_error *e);
int nm_server_is_running(const struct nm_server *s);
const struct nm_setup *nm_server_setup(const struct nm_server *s);
int nm_server_port(const struct nm_server *s);
/* PEM; empty where there is no TLS. */
struct nm_str nm_server_ca(const struct nm_server *s);
struct nm_str nm_server_client(const struct nm_server *s);

/* A copy of what was recorded, to be freed with nm_record_free. */
int nm_server_copy(struct nm_server *s, struct nm_record *out);
/* Takes faults and leaves the old ones in their place, to be freed by the caller. */
void nm_server_swap_faults(struct nm_server *s, struct nm_faults *faults);
/* Forgets the record and the faults' counts. */
void nm_server_reset(struct nm_server *s);
/* 1: it has come, within so many milliseconds. */
int nm_server_wait(struct nm_server *s, enum nm_server_event event, size_t n, int64_t ms);

NM_HIDDEN_END

#endif

#ifndef NM_TESTING_VISIT_H
#define NM_TESTING_VISIT_H

#include "base/digest.h"
#include "base/hidden.h"
#include "testing/record.h"
#include "testing/setup.h"

/* One client's connection, as SMTP (RFC 5321) or LMTP (RFC 2033) sees it, without I/O and without a clock: octets in, octets out, and when
   something is due. Strict, since it is there to find what is wrong with clients. */
struct nm_visit;

/* What all visits share; whoever owns it lets one of them at it at a time. */
struct nm_house {
  struct nm_setup setup;
  struct nm_faults faults;
  struct nm_record record;
  const struct nm_digest_api *digest;
  const struct nm_tls_host_api *tls; /* NULL: Tls is "none" */
};

enum nm_visit_want {
  NM_VISIT_LINE, /* octets, both ways */
  NM_VISIT_TLS,  /* our end of TLS begins now: with nm_visit_rest, then with what the line brings */
  NM_VISIT_OVER  /* the line is to be closed as nm_visit_end says */
};

NM_HIDDEN_BEGIN

/* NM_ENOMEM, NM_ELIMIT: there are too many to be recorded. */
int nm_visit_new(struct nm_house *house, struct nm_visit **out);
void nm_visit_free(struct nm_visit **v);
/* Goes on with what there is. To be called at the beginning, after each of the functions below, and when something is due. now: milliseconds
   of any clock that never goes back. */
void nm_visit_work(struct nm_visit *v, int64_t now);
enum nm_visit_want nm_visit_want(const struct nm_visit *v);
/* The line is, and nothing can be said. */
int nm_visit_is_gone(const struct nm_visit *v);
enum nm_end nm_visit_end(const struct nm_visit *v);
/* How many octets it takes now; 0: none is to be read from the line. */
size_t nm_visit_room(const struct nm_visit *v);
void nm_visit_input(struct nm_visit *v, const char *p, size_t n);
/* No more comes from the client. how: "closed", "cut" (TLS without close_notify). What it said before is answered. */
void nm_visit_eof(struct nm_visit *v, const char *how);
/* The line is gone: "reset". Kept: a literal. */
void nm_visit_lost(struct nm_visit *v, const char *how);
/* Octets that are to go out now, in one piece; borrowed until the next call. */
size_t nm_visit_output(const struct nm_visit *v, const char **p);
void nm_visit_sent(struct nm_visit *v, size_t n);
/* When to call nm_visit_work without a cause; -1: never. */
int64_t nm_visit_due(const struct nm_visit *v);

/* For NM_VISIT_TLS: octets that were taken and belong to the handshake. */
struct nm_str nm_visit_rest(const struct nm_visit *v);
enum nm_tls_certificate nm_visit_certificate(const struct nm_visit *v);
/* The handshake is under way: it borrows end until it is over. */
void nm_visit_shaking(struct nm_visit *v, const struct nm_tls_end *end);
int nm_visit_is_shaking(const struct nm_visit *v);
/* It is done. */
void nm_visit_secured(struct nm_visit *v);
/* Or failed. */
void nm_visit_insecure(struct nm_visit *v, const char *why);
/* The record has been reset: it is a visitor anew. */
void nm_visit_renumber(struct nm_visit *v);

NM_HIDDEN_END

#endif

#ifndef NM_TESTING_FAULT_H
#define NM_TESTING_FAULT_H

#include <stdint.h>
#include "base/buf.h"
#include "base/error.h"
#include "base/hidden.h"
#include "base/tls_host.h"

/* How the server misbehaves: a list of rules, each with a place in the conversation, a choice of times, and what is done then. */

/* What is said instead of the usual reply. */
enum nm_say {
  NM_SAY_USUAL,
  NM_SAY_TEXT,   /* the rule's reply */
  NM_SAY_NOTHING /* and what the command asks for happens */
};

enum nm_end {
  NM_END_NONE,
  NM_END_CLOSE, /* in order: TLS says close_notify */
  NM_END_CUT,   /* without it, as when the program crashes */
  NM_END_RESET  /* RST, as when the machine does */
};

enum nm_endless {
  NM_ENDLESS_NONE,
  NM_ENDLESS_LINE, /* one that has no end */
  NM_ENDLESS_LINES /* a reply whose last line never comes */
};

struct nm_fault {
  /* where: a verb, or CONNECT, TLS, RESPONSE, CONTENT, DOT; "*" for every verb */
  struct nm_buf at;
  struct nm_buf match; /* octets within the argument; empty: whatever */
  uint64_t after;      /* CONTENT: once so many octets of it came */
  /* when, of the times that this is passed; 0: not asked for */
  uint64_t nth;
  uint64_t every;
  uint64_t times; /* the first so many */
  uint64_t connection;
  /* what */
  enum nm_say say;
  struct nm_buf reply;  /* octets, with their line ends */
  struct nm_buf inject; /* follows what is said, at once */
  int64_t delay;        /* milliseconds */
  int64_t drip;         /* between two octets */
  enum nm_end end;      /* once all is said */
  enum nm_endless endless;
  int silent; /* says no word more; reads on */
  int stall;  /* reads no octet more */
  enum nm_tls_certificate certificate;

  uint64_t seen; /* how often it was passed */
};

struct nm_faults {
  struct nm_fault *items;
  size_t n;
};

/* Rules, and octets in a text of one. */
#define NM_FAULTS_MAX 1000
#define NM_FAULT_TEXT_MAX ((size_t)1 << 20)

NM_HIDDEN_BEGIN

/* A new rule at the end of the list, for the caller to fill; NULL: no memory, or too many. */
struct nm_fault *nm_faults_add(struct nm_faults *f);
void nm_faults_free(struct nm_faults *f);
/* Whether that is a place; it is kept in capitals. */
int nm_fault_set_at(struct nm_fault *f, struct nm_str at, struct nm_error *e);
/* A reply as RFC 5321 4.2 has it, or NM_EINVAL. Lines with any line ends between them, or none: each is ended by CRLF. */
int nm_fault_set_reply(struct nm_fault *f, struct nm_str text, struct nm_error *e);
/* The first rule that is meant; every rule at that place counts it. NULL: none. Borrowed. */
const struct nm_fault *nm_faults_find(struct nm_faults *f, const char *at, struct nm_str argument,
                                      uint64_t connection);
/* Counts begin anew. */
void nm_faults_reset(struct nm_faults *f);

NM_HIDDEN_END

#endif

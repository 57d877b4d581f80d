#include "lua_ask.h"

#include "lua_errand.h"
#include "lua_load.h"
#include "lua_result.h"

/* One question to the server, in scratch memory. */
struct question {
  struct nm_errand errand; /* first */
  enum nm_verb verb;
};

static void question_release(void *memory) {
  nm_errand_release(memory);
}

static int finish(lua_State *L, struct nm_errand *e) {
  if (e->err != 0) {
    return nm_result_push_failure(L, e->client, &e->sent, NM_OUTCOME_NOT_SENT);
  }
  lua_newtable(L);
  nm_result_set_reply(L, &e->sent.reply);
  if (e->client->mechanism != 0) {
    lua_pushstring(L, nm_sasl_name(e->client->mechanism));
    lua_setfield(L, -2, "Mechanism");
  }
  lua_pushboolean(L, e->client->is_secure);
  lua_setfield(L, -2, "Secure");
  return 1;
}

static const struct verb {
  const char *method;
  const char *argument; /* its name in errors; NULL: there is none */
  int needs_argument;
} verbs[] = {
    [NM_VERB_NOOP] = {"Check", NULL, 0},       [NM_VERB_RSET] = {"Reset", NULL, 0},
    [NM_VERB_VRFY] = {"Verify", "Address", 1}, [NM_VERB_EXPN] = {"Expand", "List", 1},
    [NM_VERB_HELP] = {"Help", "Topic", 0},     [NM_VERB_ETRN] = {"Etrn", "Node", 1},
};

static struct nm_str argument_of(lua_State *L, enum nm_verb verb) {
  const struct verb *v = &verbs[verb];
  if (v->argument == NULL) {
    return nm_str("", 0);
  }
  return v->needs_argument ? nm_check_string(L, 2, v->argument) : nm_opt_string(L, 2, v->argument);
}

/* Raises what is wrong with the arguments. */
static int check(lua_State *L, enum nm_verb verb) {
  nm_class_self(L, &nm_client_class, verbs[verb].method);
  (void)argument_of(L, verb);
  return 0;
}

static int is_right(lua_State *L, enum nm_verb verb) {
  int type = lua_type(L, 2);
  return nm_class_test(L, &nm_client_class, 1) != NULL &&
         (verbs[verb].argument == NULL || type == LUA_TSTRING ||
          (type == LUA_TNIL && !verbs[verb].needs_argument));
}

static int begin(lua_State *L, struct nm_errand *e) {
  enum nm_verb verb = ((struct question *)(void *)e)->verb;
  return nm_client_ask(e->client, verb, argument_of(L, verb), &e->pace, &e->sent, &e->sending);
}

static int ask(lua_State *L, enum nm_verb verb, lua_CFunction wrong) {
  lua_settop(L, 2);
  if (!is_right(L, verb)) {
    return nm_drive_raise(L, wrong);
  }
  const struct nm_net_api *api = nm_load_net(L);
  struct question *q = nm_scratch(L, sizeof *q, question_release);
  struct nm_errand *e = &q->errand;
  /* Behind the last allocation before the work: it may have finalized the client, in a state that closes. */
  struct nm_client *c = nm_class_test(L, &nm_client_class, 1);
  if (c == NULL) {
    return nm_drive_raise(L, wrong);
  }
  nm_load_net_for(L, c, api);
  e->client = nm_client_ref(c);
  q->verb = verb;
  e->begin = begin;
  e->finish = finish;
  nm_pace_begin(&e->pace, c->timeout, c->deadline);
  /* Nobody is dialled for what no server is asked. */
  e->err = nm_verb_check(verb, argument_of(L, verb), &e->sent.error);
  return nm_errand_begin(L, e, 3);
}

#define QUESTION(name, verb)                                                                                 \
  static int wrong_##name(lua_State *L) {                                                                    \
    return check(L, verb);                                                                                   \
  }                                                                                                          \
  int nm_client_m_##name(lua_State *L) {                                                                     \
    return ask(L, verb, wrong_##name);                                                                       \
  }

/// Connects, with TLS and login as a Send would, and says NOOP: whether the settings are right. The connection is kept.
// @function SmtpClient:Check
// @treturn[1] table `Code`, `EnhancedCode`, `Reply`; `Mechanism` that logged in (nil: nobody did), `Secure` (the line is encrypted and the
//   server's name was verified)
// @treturn[2] nil
// @treturn[2] string what happened and what to do
// @treturn[2] table detail, as of Send. The `Kind` of all questions, beside those of the way to the server:
//   `message`, an argument that is refused before anybody is dialled; `recipient`, the server refuses whom it was asked about
//   (Verify, Expand, Etrn); `connect`, it refuses a question about nobody (Check, Reset, Help)
// @see RFC 5321 4.1.1.9
QUESTION(check, NM_VERB_NOOP)

/// Asks whether the server knows a user or mailbox. Many servers answer 252, which says nothing.
// @function SmtpClient:Verify
// @string Address
// @return as Check
// @see RFC 5321 4.1.1.6
QUESTION(verify, NM_VERB_VRFY)

/// Asks for the members of a mailing list.
// @function SmtpClient:Expand
// @string List
// @return as Check; `Reply` has a line for each member
// @see RFC 5321 4.1.1.7
QUESTION(expand, NM_VERB_EXPN)

/// Asks for help.
// @function SmtpClient:Help
// @string[opt] Topic
// @return as Check
// @see RFC 5321 4.1.1.8
QUESTION(help, NM_VERB_HELP)

/// Asks the server to send on what it holds for a node: a domain, or with "@" before it the domain and all below.
// @function SmtpClient:Etrn
// @string Node
// @return as Check
// @see RFC 1985
QUESTION(etrn, NM_VERB_ETRN)

/// Says RSET. Send never needs it; servers that are being tried out may.
// @function SmtpClient:Reset
// @return as Check
// @see RFC 5321 4.1.1.5
QUESTION(reset, NM_VERB_RSET)

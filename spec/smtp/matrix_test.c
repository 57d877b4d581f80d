/* Which (state, reply class) pairs the cases of spec/transcripts/ have, found out by an onlooker who reads them as a server reads a
   line, and knows nothing of the session: prints how many cases there are of each pair, and fails when there is none of one. */
#include "smtp/transcript_files.h"

/* What the client waits for when the server speaks, or the line ends. */
enum state {
  GREETING,
  EHLO,
  HELO,
  STARTTLS,
  TLS, /* agreed to, not there yet: every octet in clear is foreign */
  EHLO_TLS,
  AUTH,
  RESPONSE, /* to a challenge */
  CANCEL,   /* "*" */
  MAIL,
  RCPT_FIRST,
  RCPT_MIDDLE,
  RCPT_LAST, /* the only one is the last one too */
  DATA,
  CONTENT, /* behind 354, before the dot */
  DOT,
  DOT_ALONE, /* the content that takes a transaction back which nobody will get */
  BDAT_FIRST,
  BDAT_MIDDLE,
  BDAT_LAST,
  FINAL_FIRST, /* LMTP's replies after the content, RFC 2033 4.2 */
  FINAL_MIDDLE,
  FINAL_LAST,
  RSET, /* before MAIL, when the transaction before was not ended */
  RSET_ALONE,
  NOOP,
  VRFY,
  EXPN,
  HELP,
  ETRN,
  QUIT,
  IDLE, /* nothing */
  STATES
};

static const char *const state_names[STATES] = {
    "greeting",    "EHLO",      "HELO",      "STARTTLS",   "TLS",         "EHLO in TLS", "AUTH",
    "challenge",   "cancelled", "MAIL",      "RCPT first", "RCPT middle", "RCPT last",   "DATA",
    "content",     "dot",       "dot alone", "BDAT first", "BDAT middle", "BDAT last",   "LMTP first",
    "LMTP middle", "LMTP last", "RSET",      "RSET alone", "NOOP",        "VRFY",        "EXPN",
    "HELP",        "ETRN",      "QUIT",      "idle"};

enum class {
  CLASS_1,
  CLASS_2,
  CLASS_3,
  CLASS_4,
  CLASS_421,
  CLASS_5,
  MALFORMED,
  TRUNCATED,
  END,
  SILENCE,
  EARLY,
  CLASSES
};

static const char *const class_names[CLASSES] = {"1yz", "2yz", "3yz", "4yz",  "421",  "5yz",
                                                 "bad", "cut", "end", "time", "early"};

static int seen[STATES][CLASSES];

/* One case, as it goes by. */
struct onlooker {
  enum state due[64]; /* what was said and not answered, in order */
  size_t n_due;
  char command[512]; /* what the client has said of a command */
  size_t command_n;
  size_t chunk; /* octets left of BDAT's */
  enum state of_chunk;
  char content[4096];
  size_t content_n;
  int is_content, is_auth, is_tls, is_lmtp, is_verb, is_over;
  enum state next; /* what was begun and not said; IDLE: nothing */
  size_t n_to, n_rcpt, n_accepted, n_final, n_chunks;
  char line[512]; /* what the server has said of a line */
  size_t line_n;
  int code; /* of the lines before in a reply of several; 0: none */
};

static void count(struct onlooker *o, enum state state, enum class class) {
  if (!o->is_over) {
    seen[state][class]++;
  }
}

/* ---- the client ---- */

static void wait_for(struct onlooker *o, enum state state) {
  if (o->n_due < sizeof o->due / sizeof o->due[0]) {
    o->due[o->n_due++] = state;
  }
  o->next = IDLE;
  o->is_verb = 0;
}

static int says(const struct onlooker *o, const char *verb) {
  size_t n = strlen(verb);
  return o->command_n >= n && memcmp(o->command, verb, n) == 0;
}

static enum state rcpt_state(const struct onlooker *o) {
  return o->n_rcpt + 1 >= o->n_to ? RCPT_LAST : o->n_rcpt == 0 ? RCPT_FIRST : RCPT_MIDDLE;
}

static enum state bdat_state(const struct onlooker *o) {
  int is_last = memmem(o->command, o->command_n, " LAST", 5) != NULL;
  return is_last ? BDAT_LAST : o->n_chunks == 0 ? BDAT_FIRST : BDAT_MIDDLE;
}

/* What the command begins with that was said, in full or in part; IDLE: none that is known. */
static enum state command_state(const struct onlooker *o) {
  static const struct {
    const char *verb;
    enum state state;
  } verbs[] = {{"HELO", HELO}, {"STARTTLS", STARTTLS}, {"AUTH", AUTH}, {"MAIL", MAIL},
               {"DATA", DATA}, {"NOOP", NOOP},         {"VRFY", VRFY}, {"EXPN", EXPN},
               {"HELP", HELP}, {"ETRN", ETRN},         {"QUIT", QUIT}};
  if (o->is_auth) {
    return o->command[0] == '*' ? CANCEL : RESPONSE;
  }
  if (says(o, "EHLO") || says(o, "LHLO")) {
    return o->is_tls ? EHLO_TLS : EHLO;
  }
  if (says(o, "RSET")) {
    return o->is_verb ? RSET_ALONE : RSET;
  }
  if (says(o, "RCPT")) {
    return rcpt_state(o);
  }
  if (says(o, "BDAT")) {
    return bdat_state(o);
  }
  for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
    if (says(o, verbs[i].verb)) {
      return verbs[i].state;
    }
  }
  return IDLE;
}

static void chunk_said(struct onlooker *o) {
  wait_for(o, o->of_chunk == BDAT_LAST && o->is_lmtp ? FINAL_FIRST : o->of_chunk);
}

static void command_said(struct onlooker *o) {
  enum state state = command_state(o);
  if (state == MAIL) {
    o->n_rcpt = o->n_accepted = o->n_final = o->n_chunks = 0;
  }
  if (state == BDAT_FIRST || state == BDAT_MIDDLE || state == BDAT_LAST) {
    o->command[o->command_n < sizeof o->command ? o->command_n : sizeof o->command - 1] = '\0';
    o->chunk = strtoul(o->command + 5, NULL, 10);
    o->of_chunk = state;
    o->n_chunks++;
    if (o->chunk == 0) {
      chunk_said(o);
    }
  } else {
    wait_for(o, state);
  }
  o->n_rcpt += state == RCPT_FIRST || state == RCPT_MIDDLE || state == RCPT_LAST;
  o->is_auth = 0;
  o->command_n = 0;
}

static void content_said(struct onlooker *o) {
  int is_alone = o->n_accepted == 0;
  o->is_content = 0;
  o->content_n = 0;
  wait_for(o, is_alone ? DOT_ALONE : o->is_lmtp ? FINAL_FIRST : DOT);
}

static void client_octet(struct onlooker *o, char c) {
  if (o->chunk > 0) {
    if (--o->chunk == 0) {
      chunk_said(o);
    }
  } else if (o->is_content) {
    o->content[o->content_n++ % sizeof o->content] = c;
    if ((o->content_n == 3 && memcmp(o->content, ".\r\n", 3) == 0) ||
        (o->content_n >= 5 && memcmp(o->content + o->content_n - 5, "\r\n.\r\n", 5) == 0)) {
      content_said(o);
    }
  } else if (o->command_n < sizeof o->command) {
    o->command[o->command_n++] = c;
    if (c == '\n') {
      command_said(o);
    }
  }
}

/* ---- the server ---- */

static enum class class_of(int code) {
  static const enum class by_digit[] = {CLASS_1, CLASS_2, CLASS_3, CLASS_4, CLASS_5};
  return code == 421 ? CLASS_421 : by_digit[code / 100 - 1];
}

static void shift(struct onlooker *o) {
  memmove(o->due, o->due + 1, --o->n_due * sizeof o->due[0]);
}

/* One of the replies of LMTP has come: which one, and whether it was the last. */
static enum state take_final(struct onlooker *o) {
  enum state state = o->n_final + 1 >= o->n_accepted ? FINAL_LAST
                     : o->n_final == 0               ? FINAL_FIRST
                                                     : FINAL_MIDDLE;
  if (++o->n_final >= o->n_accepted) {
    shift(o);
  }
  return state;
}

static enum state peek(const struct onlooker *o) {
  if (o->n_due == 0) {
    return o->is_content ? CONTENT : IDLE;
  }
  if (o->due[0] == FINAL_FIRST) {
    return o->n_final + 1 >= o->n_accepted ? FINAL_LAST : o->n_final == 0 ? FINAL_FIRST : FINAL_MIDDLE;
  }
  return o->due[0];
}

/* What comes before the client has said what it would answer. */
static int is_early(const struct onlooker *o) {
  return o->n_due == 0 && !o->is_content && (o->command_n > 0 || o->chunk > 0 || o->next != IDLE);
}

static enum state early_state(const struct onlooker *o) {
  return o->chunk > 0 ? o->of_chunk : o->command_n > 0 ? command_state(o) : o->next;
}

static void replied(struct onlooker *o, int code) {
  enum class class = class_of(code);
  enum state state = peek(o);
  if (is_early(o)) {
    count(o, early_state(o), EARLY);
    o->is_over = 1;
    return;
  }
  count(o, state, class);
  if (o->n_due > 0 && state != TLS) {
    if (o->due[0] == FINAL_FIRST) {
      take_final(o);
    } else {
      shift(o);
    }
  }
  o->n_accepted += (state == RCPT_FIRST || state == RCPT_MIDDLE || state == RCPT_LAST) && class == CLASS_2;
  o->is_content |= state == DATA && code == 354;
  o->is_auth = (state == AUTH || state == RESPONSE) && code == 334;
  if (state == STARTTLS && code == 220) {
    wait_for(o, TLS);
  }
  o->is_over |= class == CLASS_421 || class == CLASS_1 || state == TLS;
}

static int is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* The code, or 0: not the form that RFC 5321 4.2 gives. */
static int read_code(const struct onlooker *o, int *is_last_out) {
  const char *l = o->line;
  size_t n = o->line_n;
  if (n < 3 || l[0] < '1' || l[0] > '5' || !is_digit(l[1]) || !is_digit(l[2]) ||
      (n > 3 && l[3] != ' ' && l[3] != '-')) {
    return 0;
  }
  int code = (l[0] - '0') * 100 + (l[1] - '0') * 10 + (l[2] - '0');
  *is_last_out = n == 3 || l[3] == ' ';
  return o->code == 0 || o->code == code ? code : 0;
}

static void line_replied(struct onlooker *o) {
  int is_last = 0;
  int code = read_code(o, &is_last);
  o->line_n = 0;
  if (code == 0) {
    count(o, is_early(o) ? early_state(o) : peek(o), MALFORMED);
    o->is_over = 1;
  } else if (is_last) {
    o->code = 0;
    replied(o, code);
  } else {
    o->code = code;
  }
}

static void server_octet(struct onlooker *o, char c) {
  if (c == '\n') {
    if (o->line_n > 0 && o->line[o->line_n - 1] == '\r') {
      o->line_n--;
    }
    line_replied(o);
  } else if (o->line_n < sizeof o->line) {
    o->line[o->line_n++] = c;
  }
}

static void lost(struct onlooker *o, const char *how) {
  int is_cut = o->line_n > 0 || o->code != 0;
  count(o, peek(o), strcmp(how, "timeout") == 0 ? SILENCE : is_cut ? TRUNCATED : END);
  o->is_over = 1;
}

/* ---- a case ---- */

static size_t count_words(const char *list) {
  size_t n = 0;
  int is_word = 0, is_quoted = 0;
  for (; *list != '\0'; list++) {
    is_quoted ^= *list == '"';
    n += !is_word && *list != ' ';
    is_word = *list != ' ' || is_quoted;
  }
  return n;
}

static enum state begun(const char *verb) {
  struct onlooker o = {.command_n = 4, .is_verb = 1};
  memcpy(o.command, verb, 4);
  return command_state(&o);
}

static void read_bytes(struct onlooker *o, const char *line) {
  char bytes[8192];
  const char *text = line + 2 + (line[2] == ' ');
  size_t n = transcript_unescape(text, bytes);
  if (line[1] == ':') {
    memcpy(bytes + n, "\r\n", 2);
    n += 2;
  }
  for (size_t i = 0; i < n; i++) {
    if (line[0] == 'C') {
      client_octet(o, bytes[i]);
    } else {
      server_octet(o, bytes[i]);
    }
  }
  if (line[0] == 'S' && peek(o) == TLS && o->line_n > 0) { /* nobody waits for the rest */
    count(o, TLS, TRUNCATED);
    o->is_over = 1;
  }
}

static void read_line(struct onlooker *o, const char *line) {
  const char *rest = NULL;
  if (transcript_is(line, "S!", &rest)) {
    lost(o, rest);
  } else if ((line[0] == 'C' || line[0] == 'S') && (line[1] == ':' || line[1] == '>')) {
    read_bytes(o, line);
  } else if (transcript_is(line, "to:", &rest)) {
    o->n_to = count_words(rest);
  } else if (transcript_is(line, "lmtp:", &rest)) {
    o->is_lmtp = strcmp(rest, "yes") == 0;
  } else if (transcript_is(line, "hello:", &rest)) {
    wait_for(o, GREETING);
  } else if (strcmp(line, "tls") == 0) {
    o->n_due = 0;
    o->is_tls = 1;
    o->next = EHLO_TLS;
  } else if (transcript_is(line, "begin", &rest)) {
    o->next = MAIL;
  } else if (transcript_is(line, "auth:", &rest)) {
    o->next = AUTH;
  } else if (transcript_is(line, "verb:", &rest)) {
    o->next = begun(rest);
    o->is_verb = 1;
  } else if (transcript_is(line, "quit", &rest)) {
    o->next = QUIT;
    o->is_over = 0; /* what may still be said is said after a refusal */
  }
}

static void look(const struct transcript_case *c) {
  struct onlooker o = {.n_to = 1, .next = IDLE};
  for (size_t i = 0; i < c->n; i++) {
    read_line(&o, c->lines[i]);
  }
}

/* ---- the table ---- */

/* No command, so nothing can come before it was said. */
static int has_command(enum state s) {
  return s != GREETING && s != TLS && s != CONTENT && s != DOT && s != DOT_ALONE && s != FINAL_FIRST &&
         s != FINAL_MIDDLE && s != FINAL_LAST && s != IDLE;
}

static void each_pair_has_a_case(void) {
  CHECK(transcript_for_each(look) >= 400);
  printf("%-12s", "");
  for (int class = 0; class < CLASSES; class ++) {
    printf("%6s", class_names[class]);
  }
  for (int state = 0; state < STATES; state++) {
    printf("\n%-12s", state_names[state]);
    for (int class = 0; class < CLASSES; class ++) {
      if (class == EARLY && !has_command((enum state)state)) {
        printf("%6s", "-");
      } else {
        printf("%6d", seen[state][class]);
      }
    }
  }
  printf("\n");
  for (int state = 0; state < STATES; state++) {
    for (int class = 0; class < CLASSES; class ++) {
      if (class != EARLY || has_command((enum state)state)) {
        char pair[64];
        snprintf(pair, sizeof pair, "%s, %s", state_names[state], class_names[class]);
        CHECK_ROW(seen[state][class] > 0, pair);
      }
    }
  }
}

int main(void) {
  RUN(each_pair_has_a_case);
  return ctest_end();
}

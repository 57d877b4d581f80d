#ifndef NM_FLIGHT_H
#define NM_FLIGHT_H

#include "line.h"

/* Many messages of one client on their way at once: over several connections (pool.h), and several behind one another on each
   (line.h). They are handed in, wait in a queue, go out as soon as a line has room, and come back in the order in which they are over.
   Nothing in here waits, calls Lua, or builds a message. */

#define NM_FLIGHT_LINES_MAX 100

struct nm_flight_limits {
  size_t lines;    /* connections at most, 1 to NM_FLIGHT_LINES_MAX */
  size_t window;   /* messages on one that are begun and not over, 1 to NM_WINDOW_MAX */
  size_t per_line; /* messages over one connection; 0: as many as the server takes */
};

/* All-zero: none. */
struct nm_flight {
  struct nm_client *client; /* one reference; NULL: it is over, or has not begun */
  struct nm_flight_limits limits;
  struct nm_client *as;  /* the client's options: all connections have these, whatever it becomes meanwhile */
  struct nm_buf key;     /* and whose they are (kept.h); empty: it has no way to log in */
  struct nm_place place; /* where all of them go */
  struct nm_line *lines; /* limits.lines of them */
  struct nm_line *failed; /* could not be connected, and those that wait do not know yet */
  struct nm_mails queue, done;
  size_t n_mails;  /* in the queue or on a line */
  uint64_t octets; /* of these and of those that are done, as far as it is known: they are all in memory */
  int64_t now;
  int is_moving; /* another step may get on at once: the last one was ended by its turn, or a message came since */
  pid_t pid; /* whose it is: a forked child has no part in it */
  struct nm_process *process;
  struct nm_error ended; /* why there is nothing more to add; code 0: it goes on */
};

NM_HIDDEN_BEGIN

/* NM_EINVAL: the client is busy; NM_ENOMEM. c->api is there. f stays where it is until its end. */
int nm_flight_begin(struct nm_flight *f, struct nm_client *c, const struct nm_flight_limits *limits,
                    struct nm_error *e);
/* The same in two steps, for a client that may be busy now: plan takes its options as they are, and start begins with them, again after a
   nm_flight_stop. When plan fails there is nothing to end. */
int nm_flight_plan(struct nm_flight *f, const struct nm_client *c, const struct nm_flight_limits *limits,
                   struct nm_error *e);
int nm_flight_start(struct nm_flight *f, struct nm_client *c, struct nm_error *e);
/* Whether c still is what it was at the plan, in the same process, so that its next message may be one of these. */
int nm_flight_fits(const struct nm_flight *f, const struct nm_client *c);
/* In a forked child the flight is the parent's to go on with: fills e, and returns it. Else NULL. */
const struct nm_error *nm_flight_is_parents(const struct nm_flight *f, struct nm_error *e);
/* How many more may be handed in, so that every line has all that it can take; none when those that are in make NM_WINDOW_BYTES_DEFAULT octets
   for each line, unless there are fewer of them than lines. To be asked again after each, where that counts. */
size_t nm_flight_room(const struct nm_flight *f);
/* How many connections are there to be used. */
size_t nm_flight_up(const struct nm_flight *f);
/* It comes back through nm_flight_take, whatever happens. One whose out->error says so is over already. */
void nm_flight_add(struct nm_flight *f, struct nm_mail *m);
/* As nm_mail_begin_again; 0: as added. */
int nm_flight_add_again(struct nm_flight *f, struct nm_mail *m);
/* The next one that is over; NULL: none now. m->out says what became of it. */
struct nm_mail *nm_flight_take(struct nm_flight *f);
/* Goes on as far as it can without waiting, turn ms long at most (negative: as long as it takes), not beyond the first that is over. */
void nm_flight_step(struct nm_flight *f, int64_t turn);
/* What is to be done before the next step, then nm_line_resume(*line_out): CONTENT, SECRET, CRYPTO of that line. LINE: nothing but to wait;
   TURN: nothing. */
enum nm_need nm_flight_need(const struct nm_flight *f, struct nm_line **line_out);
/* NM_NEED_LINE: waits until a step may get on, ms at most. */
void nm_flight_wait(struct nm_flight *f, int ms);
/* How long that may take at most, ms. */
int nm_flight_left(const struct nm_flight *f);
/* The same for who watches the client's descriptor (nm_client_watch): returns the ms after which a step is to come in any case, most at
   the most; 0: at once. Where there is no such descriptor it is soon. */
int nm_flight_rest(struct nm_flight *f, int most);
/* Those that are not over end: what is on its way does not end in a dot. why (copied) is what they say. */
void nm_flight_cancel(struct nm_flight *f, const struct nm_error *why);
/* One alone, which is over then, and taken. On its way, it takes its line with it, and all that is on that: so a flight whose mails are
   ended one by one has a window of 1. */
void nm_flight_cancel_mail(struct nm_flight *f, struct nm_mail *m, const struct nm_error *why);
/* All, for good: its connections are hung up, and what is handed in from now on ends at once, with why, too. */
void nm_flight_close(struct nm_flight *f, const struct nm_error *why);
/* The client is free again, and keeps the connections. Messages that are not over, or not taken, are forgotten, in the middle too. */
void nm_flight_stop(struct nm_flight *f);
/* The same, and the plan is forgotten. */
void nm_flight_end(struct nm_flight *f);

NM_HIDDEN_END

#endif

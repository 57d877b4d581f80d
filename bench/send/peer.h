#ifndef BENCH_SEND_PEER_H
#define BENCH_SEND_PEER_H

/* What the peers' programs in C have in common; those in other languages do the same. Each is called

     PROGRAM HOST PORT MAILS SIZE RECIPIENTS CONNECTIONS [new] [tls] [file] [noop] [fresh] [client] [tasks]

   sends that many mails, and prints seconds, seconds of the processor, and peak KB of memory. The clock runs from before the first
   connection is opened until the last one is closed, in the way in which the peer closes it.
     new   a connection for each mail instead of one that is kept
     noop  instead of a mail, NOOP
     fresh and nothing is remembered of the connection before, as if each were another program's
     client and each is that of a client of its own in one program, which may remember what it can
     tls   implicit TLS; $BENCH_CA has the certificate that is trusted
     tasks all of the mails are begun before the first is waited for
     file  what is sent is a text with the file $BENCH_FILE attached, instead of a message of SIZE octets that is ready */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define SENDER "sender@example.com"
#define RECIPIENT "recipient%ld@example.com"
#define COLUMNS 76

struct job {
  const char *host, *port;
  long mails, recipients, connections;
  int new, tls, file, noop, fresh;
  char *message; /* CRLF, and a line that begins with a dot */
  size_t size;
};

struct clock {
  double seconds, processor;
};

static inline void die(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

/* A message of about this size: letters in lines. */
static inline void make_message(struct job *job, size_t size) {
  static const char header[] = "From: Sender <" SENDER ">\r\nTo: Recipient <recipient0@example.com>\r\n"
                               "Subject: benchmark\r\nDate: Fri, 21 Nov 2025 10:00:00 +0000\r\n"
                               "Message-ID: <1@example.com>\r\nMIME-Version: 1.0\r\n"
                               "Content-Type: text/plain; charset=utf-8\r\n\r\n";
  size_t at = sizeof header - 1;
  char *p = job->message = malloc(size + at + COLUMNS + 2);
  if (p == NULL) {
    die("out of memory");
  }
  memcpy(p, header, at);
  for (size_t line = 0; line == 0 || at + COLUMNS + 2 <= size; line++) {
    for (size_t i = 0; i < COLUMNS; i++) {
      p[at++] = line == 1 && i == 0 ? '.' : (char)('A' + i % 26);
    }
    p[at++] = '\r';
    p[at++] = '\n';
  }
  job->size = at;
}

static inline struct job read_job(int argc, char **argv) {
  if (argc < 7) {
    die("PROGRAM HOST PORT MAILS SIZE RECIPIENTS CONNECTIONS [new] [tls] [file]");
  }
  struct job job = {.host = argv[1], .port = argv[2]};
  job.mails = strtol(argv[3], NULL, 10);
  job.recipients = strtol(argv[5], NULL, 10);
  job.connections = strtol(argv[6], NULL, 10);
  for (int i = 7; i < argc; i++) {
    job.new |= strcmp(argv[i], "new") == 0;
    job.tls |= strcmp(argv[i], "tls") == 0;
    job.file |= strcmp(argv[i], "file") == 0;
    job.noop |= strcmp(argv[i], "noop") == 0;
    job.fresh |=
        strcmp(argv[i], "fresh") == 0 || strcmp(argv[i], "client") == 0; /* libcurl remembers by handles */
  }
  make_message(&job, strtoul(argv[4], NULL, 10));
  return job;
}

static inline double seconds_of(clockid_t id) {
  struct timespec t;
  clock_gettime(id, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline struct clock start_clock(void) {
  return (struct clock){seconds_of(CLOCK_MONOTONIC), seconds_of(CLOCK_PROCESS_CPUTIME_ID)};
}

/* ru_maxrss would be that of whoever started us, if it was more. */
static inline long peak_memory(void) {
  char line[256];
  long kb = 0;
  FILE *f = fopen("/proc/self/status", "r");
  while (f != NULL && fgets(line, sizeof line, f) != NULL) {
    if (strncmp(line, "VmHWM:", 6) == 0) {
      kb = strtol(line + 6, NULL, 10);
    }
  }
  if (f != NULL) {
    fclose(f);
  }
  return kb;
}

static inline void stop_clock(const struct clock *begin) {
  struct clock end = start_clock();
  printf("%.6f %.6f %ld\n", end.seconds - begin->seconds, end.processor - begin->processor, peak_memory());
}

#endif

/* Throughput of the transfer encodings, in megabytes of input a second: the best of several turns, all in turn, so that whatever
   else the machine does hits each alike. Times are of the processor, not of the wall. `encode SECONDS` a turn. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mime/base64_kernel.h"
#include "mime/encoder.h"
#include "mime/scan.h"

#define TURNS 5
/* What an encoded source reads at once. */
#define PIECE ((size_t)NM_LINE_OCTETS * 512)

/* One measurement: the name, what is done with a piece of the input, and the best rate so far. */
struct job {
  char name[40];
  void (*run)(const struct job *job, char *out);
  const char *in;
  int n; /* what the job is about: a kernel, an encoding, whether UTF-8 is checked */
  int text;
  double best;
};

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void run_kernel(const struct job *job, char *out) {
  nm_base64_kernel((size_t)job->n)->lines(out, (const unsigned char *)job->in, PIECE / NM_LINE_OCTETS);
}

static void run_encoder(const struct job *job, char *out) {
  struct nm_encoder e = {.cte = (enum nm_cte)job->n, .text = job->text};
  size_t n = nm_encoder_step(&e, job->in, PIECE, out);
  nm_encoder_flush(&e, out + n);
}

static void run_scan(const struct job *job, char *out) {
  struct nm_scan s = {.utf8_known = job->n};
  nm_scan_step(&s, job->in, PIECE);
  nm_scan_end(&s);
  memcpy(out, &s.escapes, sizeof s.escapes); /* the compiler must believe that it is wanted */
}

static void measure(struct job *job, char *out, double seconds) {
  size_t rounds = 0;
  double begin = now(), took = 0;
  do {
    for (int i = 0; i < 20; i++, rounds++) {
      job->run(job, out);
    }
    took = now() - begin;
  } while (took < seconds);
  double rate = (double)(rounds * PIECE) / took / 1e6;
  job->best = rate > job->best ? rate : job->best;
}

static char *repeat(const char *what) {
  char *p = malloc(PIECE);
  size_t n = strlen(what);
  for (size_t i = 0; i < PIECE; i++) {
    p[i] = what[i % n];
  }
  return p;
}

static char *random_octets(void) {
  char *p = malloc(PIECE);
  unsigned x = 1;
  for (size_t i = 0; i < PIECE; i++) {
    x = x * 1664525u + 1013904223u;
    p[i] = (char)(x >> 24);
  }
  return p;
}

static struct job *add(struct job *at, const char *name, void (*run)(const struct job *, char *),
                       const char *in, int n, int text) {
  *at = (struct job){.run = run, .in = in, .n = n, .text = text};
  snprintf(at->name, sizeof at->name, "%s", name);
  return at + 1;
}

int main(int argc, char **argv) {
  double seconds = argc > 1 ? atof(argv[1]) : 0.2;
  char *octets = random_octets();
  char *russian = repeat("Съешь ещё этих мягких французских булок, да выпей чаю.\n");
  char *english = repeat("The quick brown fox jumps over the lazy dog, a = b, and all is well again.\n");
  char *html = repeat(
      "<p class=\"wide\">The quick brown fox</p> <a href=\"http://example.test/?a=b\">jumps</a> over ");
  char *out = malloc(NM_ENCODER_ROOM(PIECE) + NM_ENCODER_ROOM(0));
  struct job jobs[32], *end = jobs;
  size_t kernels = 0;
  for (; nm_base64_kernel(kernels) != NULL; kernels++) {
    char name[40];
    snprintf(name, sizeof name, "base64 lines, %s", nm_base64_kernel(kernels)->name);
    end = add(end, name, run_kernel, octets, (int)kernels, 0);
  }
  end = add(end, "base64, octets", run_encoder, octets, NM_CTE_BASE64, 0);
  end = add(end, "base64, Cyrillic text", run_encoder, russian, NM_CTE_BASE64, 1);
  end = add(end, "QP, Cyrillic text", run_encoder, russian, NM_CTE_QP, 1);
  end = add(end, "QP, ASCII text", run_encoder, english, NM_CTE_QP, 1);
  end = add(end, "QP, HTML in one line", run_encoder, html, NM_CTE_QP, 1);
  end = add(end, "QP, octets", run_encoder, octets, NM_CTE_QP, 0);
  end = add(end, "7bit, ASCII text", run_encoder, english, NM_CTE_7BIT, 1);
  end = add(end, "scan, Cyrillic text", run_scan, russian, 1, 0);
  end = add(end, "scan, ASCII text", run_scan, english, 1, 0);
  end = add(end, "scan, HTML in one line", run_scan, html, 1, 0);
  end = add(end, "scan and UTF-8, Cyrillic text", run_scan, russian, 0, 0);
  end = add(end, "scan and UTF-8, ASCII text", run_scan, english, 0, 0);
  for (int turn = 0; turn < TURNS; turn++) {
    for (struct job *j = jobs; j < end; j++) {
      measure(j, out, seconds);
    }
  }
  double slowest = jobs[kernels - 1].best; /* the portable one is the last */
  for (struct job *j = jobs; j < end; j++) {
    printf("%-32s %8.0f MB/s", j->name, j->best);
    printf(j < jobs + kernels ? "  %5.2f x portable\n" : "\n", j->best / slowest);
  }
  free(octets);
  free(russian);
  free(english);
  free(html);
  free(out);
  return 0;
}

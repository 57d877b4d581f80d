/* base64 lines beside memcpy and OpenSSL, gigabytes of input a second, best of several turns taken in turn: a piece that stays in the
   cache, and a stream that does not. `base64 SECONDS` a turn. One line each: name, piece, stream. */

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mime/base64_kernel.h"
#include "mime/encoder.h"

#define TURNS 7
#define PIECE ((size_t)NM_LINE_OCTETS * 1024)
#define STREAM (PIECE * 1792) /* 100 MB */
#define CODED(n) ((n) / NM_LINE_OCTETS * (NM_LINE_COLUMNS + 2))

struct job {
  char name[40];
  void (*run)(const struct job *job, char *out, const char *in, size_t n);
  nm_base64_lines_fn *lines;
  double best[2]; /* of the piece, of the stream */
};

static double processor_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* As much as base64 writes: what memory lets anybody do. */
static void run_memcpy(const struct job *job, char *out, const char *in, size_t n) {
  (void)job;
  memcpy(out, in, n);
  memcpy(out + n, in, CODED(n) - n);
}

/* Lines of 64 columns, which is all it can. */
static void run_openssl(const struct job *job, char *out, const char *in, size_t n) {
  (void)job;
  EVP_ENCODE_CTX *c = EVP_ENCODE_CTX_new();
  EVP_EncodeInit(c);
  for (size_t at = 0; at < n; at += PIECE) { /* its sizes are int */
    int wrote = 0;
    EVP_EncodeUpdate(c, (unsigned char *)out, &wrote, (const unsigned char *)in + at, (int)PIECE);
    out += wrote;
  }
  int wrote = 0;
  EVP_EncodeFinal(c, (unsigned char *)out, &wrote);
  EVP_ENCODE_CTX_free(c);
}

static void run_lines(const struct job *job, char *out, const char *in, size_t n) {
  job->lines(out, (const unsigned char *)in, n / NM_LINE_OCTETS);
}

static void measure(struct job *job, int which, char *out, const char *in, double seconds) {
  size_t n = which == 0 ? PIECE : STREAM, rounds = 0;
  double begin = processor_seconds(), took = 0;
  do {
    for (size_t i = 0; i < STREAM / n / 16 + 1; i++, rounds++) {
      job->run(job, out, in, n);
    }
    took = processor_seconds() - begin;
  } while (took < seconds);
  double rate = (double)(rounds * n) / took / 1e9;
  job->best[which] = rate > job->best[which] ? rate : job->best[which];
}

int main(int argc, char **argv) {
  struct job jobs[8] = {{.name = "memcpy", .run = run_memcpy}, {.name = "OpenSSL", .run = run_openssl}};
  size_t n = 2;
  double seconds = argc > 1 ? strtod(argv[1], NULL) : 0.1;
  char *in = malloc(STREAM), *out = malloc(2 * STREAM);
  if (in == NULL || out == NULL) {
    return 1;
  }
  for (const struct nm_base64_kernel *k; (k = nm_base64_kernel(n - 2)) != NULL && n < 8; n++) {
    jobs[n] = (struct job){.run = run_lines, .lines = k->lines};
    snprintf(jobs[n].name, sizeof jobs[n].name, "netmail, %s", k->name);
  }
  srand(1);
  for (size_t i = 0; i < STREAM; i++) {
    in[i] = (char)rand();
  }
  memset(out, 0, 2 * STREAM);
  for (int turn = 0; turn < TURNS; turn++) {
    for (size_t i = 0; i < n; i++) {
      measure(&jobs[i], 0, out, in, seconds);
      measure(&jobs[i], 1, out, in, seconds);
    }
  }
  for (size_t i = 0; i < n; i++) {
    printf("%s\t%.2f\t%.2f\n", jobs[i].name, jobs[i].best[0], jobs[i].best[1]);
  }
  free(in);
  free(out);
  return 0;
}

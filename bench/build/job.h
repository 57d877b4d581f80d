#ifndef BENCH_BUILD_JOB_H
#define BENCH_BUILD_JOB_H

/* What the programs in C have in common. Each is called as the ones in other languages are, PROGRAM JOB SECONDS FOLDER (see run.py), and
   prints messages, octets, seconds of the processor, and KB by which its memory grew at most. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FROM_NAME "Иван Петров"
#define FROM_ADDRESS "ivan@example.com"
#define TO_NAME "Мария Сидорова"
#define TO_ADDRESS "maria@example.com"
#define SUBJECT "Отчёт за ноябрь: всё готово, посмотрите"
#define ATTACHMENTS 3

struct bytes {
  char *p;
  size_t n;
};

struct job {
  enum { MAIL, PARTS, LARGE } kind;
  double seconds;
  struct bytes text, page, octets;
  char large[4096]; /* path */
};

static void die(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

static struct bytes read_file(const char *folder, const char *name) {
  char path[4200];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *f = fopen(path, "rb");
  if (f == NULL || fseek(f, 0, SEEK_END) != 0) {
    die(path);
  }
  long n = ftell(f);
  struct bytes b = {malloc((size_t)n), (size_t)n};
  rewind(f);
  if (b.p == NULL || fread(b.p, 1, b.n, f) != b.n) {
    die(path);
  }
  fclose(f);
  return b;
}

static struct job read_job(int argc, char **argv) {
  if (argc != 4) {
    die("PROGRAM mail|parts|large SECONDS FOLDER");
  }
  struct job job = {.seconds = strtod(argv[2], NULL)};
  job.kind = strcmp(argv[1], "mail") == 0 ? MAIL : strcmp(argv[1], "parts") == 0 ? PARTS : LARGE;
  job.text = read_file(argv[3], "text.txt");
  job.page = read_file(argv[3], "page.html");
  job.octets = read_file(argv[3], "octets.bin");
  snprintf(job.large, sizeof job.large, "%s/large.bin", argv[3]);
  return job;
}

static double processor_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* "VmRSS:" or "VmHWM:", in KB. */
static long memory(const char *name) {
  char line[256];
  long kb = -1;
  FILE *f = fopen("/proc/self/status", "r");
  while (f != NULL && fgets(line, sizeof line, f) != NULL) {
    if (strncmp(line, name, strlen(name)) == 0) {
      kb = strtol(line + strlen(name), NULL, 10);
    }
  }
  if (f != NULL) {
    fclose(f);
  }
  return kb;
}

/* build makes one message of the job, drops it, and says how many octets it had. */
static int run_job(const struct job *job, int64_t (*build)(const struct job *job)) {
  long before = memory("VmRSS:"), count = 0;
  int64_t octets = 0;
  double begin = processor_seconds(), took = 0;
  do {
    for (int i = 0; i < (job->kind == MAIL ? 100 : 1); i++, count++) {
      octets += build(job);
    }
    took = processor_seconds() - begin;
  } while (took < job->seconds);
  printf("%ld %lld %.6f %ld\n", count, (long long)octets, took, memory("VmHWM:") - before);
  return 0;
}

#endif

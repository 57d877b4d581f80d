/* Plays every case of spec/transcripts/: whole, byte by byte both ways, cut at every length, and with each allocation
   failing in turn. */
#include "smtp/transcript.h"

#include <dirent.h>

#include "support/ctest.h"

#define CASES_MAX 512
#define FOLDER "spec/transcripts"

static char *load(const char *name) {
  char path[512];
  snprintf(path, sizeof path, "%s/%s", FOLDER, name);
  FILE *f = fopen(path, "rb");
  size_t cap = 1 << 18;
  char *text = malloc(cap + 1);
  size_t n = f != NULL ? fread(text, 1, cap, f) : 0;
  text[n] = '\0';
  if (f != NULL) {
    fclose(f);
  }
  return text;
}

static int ends_with(const char *s, const char *end) {
  size_t n = strlen(s), m = strlen(end);
  return n >= m && strcmp(s + n - m, end) == 0;
}

/* Calls play for every case of every file; returns how many there were. */
static int for_each_case(void (*play)(const struct transcript_case *c)) {
  static struct transcript_case cases[CASES_MAX];
  DIR *folder = opendir(FOLDER);
  int count = 0;
  if (folder == NULL) {
    return 0;
  }
  for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
    if (!ends_with(entry->d_name, ".txt")) {
      continue;
    }
    char *text = load(entry->d_name);
    size_t n = transcript_load(text, cases, CASES_MAX);
    CHECK_ROW(n > 0 && n < CASES_MAX, entry->d_name);
    for (size_t i = 0; i < n; i++) {
      CHECK_ROW(cases[i].n > 1 && strncmp(cases[i].lines[cases[i].n - 1] + 1, ">", 1) == 0, cases[i].name);
      play(&cases[i]);
      count++;
    }
    free(text);
  }
  closedir(folder);
  return count;
}

static void play_whole(const struct transcript_case *c) {
  long live = nm_test_alloc_live();
  CHECK_ROW(transcript_play(c, SIZE_MAX / 2, SIZE_MAX / 2, 0), c->name);
  CHECK_ROW(nm_test_alloc_live() == live, c->name);
}

static void play_bytes(const struct transcript_case *c) {
  CHECK_ROW(transcript_play(c, 1, 1, 0), c->name);
}

static void play_pieces(const struct transcript_case *c) {
  for (size_t piece = 1; piece < 80; piece++) {
    CHECK_ROW(transcript_play(c, SIZE_MAX / 2, piece, 0), c->name);
    CHECK_ROW(transcript_play(c, piece, SIZE_MAX / 2, 0), c->name);
    CHECK_ROW(transcript_play(c, piece, piece, 0), c->name);
  }
}

static void play_short_of_memory(const struct transcript_case *c) {
  for (long k = 1; k < 40; k++) {
    long live = nm_test_alloc_live();
    CHECK_ROW(transcript_play(c, SIZE_MAX / 2, SIZE_MAX / 2, k), c->name);
    CHECK_ROW(nm_test_alloc_live() == live, c->name);
  }
}

static void cases_go_as_written(void) {
  CHECK(for_each_case(play_whole) >= 80);
}

static void cases_go_the_same_byte_by_byte(void) {
  for_each_case(play_bytes);
}

static void cases_go_the_same_however_they_are_cut(void) {
  for_each_case(play_pieces);
}

static void cases_survive_short_memory(void) {
  for_each_case(play_short_of_memory);
}

int main(void) {
  RUN(cases_go_as_written);
  RUN(cases_go_the_same_byte_by_byte);
  RUN(cases_go_the_same_however_they_are_cut);
  RUN(cases_survive_short_memory);
  return ctest_end();
}

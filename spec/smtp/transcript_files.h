#ifndef NM_SPEC_TRANSCRIPT_FILES_H
#define NM_SPEC_TRANSCRIPT_FILES_H

/* All cases of spec/transcripts/. */

#include <dirent.h>

#include "smtp/transcript.h"
#include "support/ctest.h"

#define TRANSCRIPT_FOLDER "spec/transcripts"
#define TRANSCRIPT_CASES_MAX 512

static inline char *transcript_read(const char *name) {
  char path[512];
  snprintf(path, sizeof path, "%s/%s", TRANSCRIPT_FOLDER, name);
  FILE *f = fopen(path, "rb");
  size_t cap = 1 << 18;
  char *text = malloc(cap + 1);
  size_t n = f != NULL ? fread(text, 1, cap, f) : 0;
  CHECK_ROW(n < cap, name);
  text[n] = '\0';
  if (f != NULL) {
    fclose(f);
  }
  return text;
}

static inline int transcript_is_file(const char *name) {
  size_t n = strlen(name);
  return n > 4 && strcmp(name + n - 4, ".txt") == 0;
}

/* Calls play for every case of every file; returns how many there were. */
static inline int transcript_for_each(void (*play)(const struct transcript_case *c)) {
  static struct transcript_case cases[TRANSCRIPT_CASES_MAX];
  DIR *folder = opendir(TRANSCRIPT_FOLDER);
  int count = 0;
  if (folder == NULL) {
    return 0;
  }
  for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
    if (!transcript_is_file(entry->d_name)) {
      continue;
    }
    char *text = transcript_read(entry->d_name);
    size_t n = transcript_load(text, cases, TRANSCRIPT_CASES_MAX);
    CHECK_ROW(n > 0 && n < TRANSCRIPT_CASES_MAX, entry->d_name);
    for (size_t i = 0; i < n; i++) {
      const char *last = cases[i].n > 1 ? cases[i].lines[cases[i].n - 1] : "";
      CHECK_ROW(last[0] == '=' || last[0] == '-', cases[i].name); /* a case without a result proves nothing */
      play(&cases[i]);
      count++;
    }
    free(text);
  }
  closedir(folder);
  return count;
}

#endif

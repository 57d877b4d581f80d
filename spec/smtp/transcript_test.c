/* Plays every case of spec/transcripts/: whole, byte by byte both ways, cut at every length, and with each allocation
   failing in turn. */
#include "smtp/transcript_files.h"

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
  CHECK(transcript_for_each(play_whole) >= 80);
}

static void cases_go_the_same_byte_by_byte(void) {
  transcript_for_each(play_bytes);
}

static void cases_go_the_same_however_they_are_cut(void) {
  transcript_for_each(play_pieces);
}

static void cases_survive_short_memory(void) {
  transcript_for_each(play_short_of_memory);
}

int main(void) {
  RUN(cases_go_as_written);
  RUN(cases_go_the_same_byte_by_byte);
  RUN(cases_go_the_same_however_they_are_cut);
  RUN(cases_survive_short_memory);
  return ctest_end();
}

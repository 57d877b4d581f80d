#ifndef NM_SPEC_LETTER_H
#define NM_SPEC_LETTER_H

/* Messages for the C tests, in few words. All of it must succeed: a failure here is a failure of the test. */

#include <stdlib.h>
#include "mime/part.h"
#include "mime/message.h"
#include "support/sources.h"

#define LETTER_DATE 1795305165 /* Sun, 22 Nov 2026 02:52:45 +0300 */

static inline void letter_must(int err) {
  if (err != 0) {
    abort();
  }
}

static inline struct nm_stamp letter_stamp(void) {
  struct nm_stamp s = {.date = LETTER_DATE, .offset = 180, .message_id = NM_STR("<1@a.test>")};
  memset(s.boundary, 0xab, sizeof s.boundary);
  return s;
}

/* From a@a.test to b@b.test, nothing else. */
static inline struct nm_message *letter_new(void) {
  struct nm_message *m = NULL;
  letter_must(nm_message_new(&m));
  letter_must(nm_addr_make(NM_STR("a@a.test"), NM_STR(""), &m->from, NULL));
  letter_must(nm_addr_parse_list(NM_STR("b@b.test"), m->to, NULL));
  return m;
}

static inline struct nm_part *letter_attach_content(struct nm_message *m, const char *name,
                                                    struct nm_content *c) {
  struct nm_part *a = NULL;
  letter_must(nm_part_new(c, nm_str_c(name), &a, NULL));
  letter_must(nm_list_add(m->attachments, a));
  nm_content_unref(&c);
  struct nm_part *borrowed = a;
  nm_part_unref(&a);
  return borrowed;
}

static inline struct nm_part *letter_attach(struct nm_message *m, const char *name, struct nm_str bytes) {
  struct nm_content *c = NULL;
  letter_must(nm_content_memory(bytes, &c, NULL));
  return letter_attach_content(m, name, c);
}

static inline struct nm_part *letter_attach_file(struct nm_message *m, const char *path) {
  struct nm_content *c = NULL;
  letter_must(nm_content_file(nm_str_c(path), &c, NULL));
  return letter_attach_content(m, path, c);
}

#endif

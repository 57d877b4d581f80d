#include "mime/tree.h"

#include <time.h>

#include "base/alloc.h"
#include "mime/parts.h"

/* What a message has, and which tree comes of it. */

static struct nm_part *png(const char *id) {
  return id != NULL ? shown(octets("image/png", NM_STR("x")), id) : octets("image/png", NM_STR("x"));
}

static struct nm_part *pdf(void) {
  return octets("application/pdf", NM_STR("x"));
}

enum {
  TEXT = 1,
  HTML = 2,
  CALENDAR = 4,
  LINKED = 8,    /* a picture with an id, and one without */
  SHOWN = 16,    /* an attachment with an id */
  ATTACHED = 32, /* one without */
  VIEW = 64,     /* text/enriched */
  AMP = 128,
  WATCH = 256,
  HTML_VIEW = 512
};

static struct nm_message *message_of(unsigned has) {
  struct nm_message *m = letter_new();
  letter_must(has & TEXT ? nm_message_set_text(m, NM_STR("t"), NULL) : 0);
  letter_must(has & HTML ? nm_message_set_html(m, NM_STR("h"), NULL) : 0);
  letter_must(has & CALENDAR ? nm_message_set_calendar(m, NM_STR(ICS), NULL) : 0);
  static const char *const views[] = {"text/enriched", "text/x-amp-html", "text/watch-html", "text/html"};
  for (unsigned i = 0; i < 4; i++) {
    if (has & ((unsigned)VIEW << i)) {
      put(m->views, text(views[i], "v"));
    }
  }
  if (has & LINKED) {
    put(m->linked, png("linked"));
    put(m->linked, png(NULL));
  }
  if (has & SHOWN) {
    put(m->attachments, shown(octets("image/gif", NM_STR("x")), "shown"));
  }
  if (has & ATTACHED) {
    put(m->attachments, pdf());
  }
  return m;
}

static void check_sketch(const struct nm_message *m, const char *want) {
  struct nm_tree tree;
  struct nm_error e = {0};
  struct nm_buf got = {.max = 10000};
  int err = nm_tree_make(&tree, m, &e);
  CHECK_ROW(err == 0, e.text);
  if (err == 0) {
    sketch(&got, tree.root);
    CHECK_ROW(nm_str_eq(nm_buf_str(&got), nm_str_c(want)), want);
    if (!nm_str_eq(nm_buf_str(&got), nm_str_c(want))) {
      printf("  got: %.*s\n", (int)got.n, got.p);
    }
    nm_tree_free(&tree);
    nm_tree_free(&tree);
  }
  nm_buf_free(&got);
}

struct row {
  unsigned has;
  const char *tree;
};

static const struct row rows[] = {
    {0, "text/plain"},
    {TEXT, "text/plain"},
    {HTML, "text/html"},
    {TEXT | HTML, "alternative(text/plain text/html)"},
    {TEXT | ATTACHED, "mixed(text/plain application/pdf)"},
    {ATTACHED, "mixed(application/pdf)"},
    {SHOWN, "mixed(image/gif)"},
    {TEXT | SHOWN, "mixed(text/plain image/gif)"},
    {HTML | SHOWN, "related(text/html image/gif)"},
    {HTML | LINKED, "related(text/html image/png image/png)"},
    {TEXT | LINKED, "mixed(text/plain image/png image/png)"}, /* nothing shows them */
    {LINKED, "mixed(image/png image/png)"},
    {TEXT | LINKED | ATTACHED, "mixed(text/plain image/png image/png application/pdf)"},
    {HTML | LINKED | SHOWN | ATTACHED,
     "mixed(related(text/html image/png image/png image/gif) application/pdf)"},
    {TEXT | HTML | SHOWN | ATTACHED,
     "mixed(related(alternative(text/plain text/html) image/gif) application/pdf)"},
    {VIEW, "text/enriched"},
    {TEXT | VIEW, "alternative(text/plain text/enriched)"},
    {TEXT | HTML | VIEW, "alternative(text/plain text/enriched text/html)"},
    {TEXT | HTML | AMP, "alternative(text/plain text/x-amp-html text/html)"},
    {TEXT | HTML | VIEW | AMP | WATCH,
     "alternative(text/plain text/enriched text/x-amp-html text/watch-html text/html)"},
    {AMP, "text/x-amp-html"},
    {TEXT | HTML_VIEW, "alternative(text/plain text/html)"},
    {TEXT | HTML_VIEW | LINKED, "related(alternative(text/plain text/html) image/png image/png)"},
    {HTML_VIEW | SHOWN, "related(text/html image/gif)"},
    {AMP | LINKED, "mixed(text/x-amp-html image/png image/png)"},
    {CALENDAR, "mixed(text/calendar application/ics)"},
    {TEXT | CALENDAR, "mixed(alternative(text/plain text/calendar) application/ics)"},
    {TEXT | HTML | CALENDAR, "mixed(alternative(text/plain text/html text/calendar) application/ics)"},
    {TEXT | HTML | VIEW | CALENDAR,
     "mixed(alternative(text/plain text/enriched text/html text/calendar) application/ics)"},
    {TEXT | HTML | CALENDAR | LINKED | SHOWN | ATTACHED,
     "mixed(related(alternative(text/plain text/html text/calendar) image/png image/png image/gif) "
     "application/ics application/pdf)"},
};

static void what_there_is_makes_the_tree(void) {
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_message *m = message_of(rows[i].has);
    check_sketch(m, rows[i].tree);
    nm_message_unref(&m);
  }
}

/* Each tree again, in a message within a message. */
static void a_message_within_has_the_same_tree(void) {
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_message *m = note("t");
    char want[300];
    put(m->attachments, within(message_of(rows[i].has)));
    snprintf(want, sizeof want, "mixed(text/plain message/rfc822(%s))", rows[i].tree);
    check_sketch(m, want);
    nm_message_unref(&m);
  }
}

static struct nm_message *rooted(struct nm_part *root) {
  struct nm_message *m = letter_new();
  m->root = root;
  return m;
}

static void a_root_by_hand_is_the_body(void) {
  static const char *const want[] = {
      "text/plain",
      "application/pdf",
      "external(application/octet-stream)",
      "message/rfc822(text/plain)",
      "digest(message/rfc822(text/plain) message/rfc822(alternative(text/plain text/html)))",
      "parallel(text/plain related(text/html image/png))",
      "mixed(message/rfc822(mixed(application/pdf)) external(application/octet-stream))",
      "x-own(text/plain)",
  };
  for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
    struct nm_part *root[] = {
        i == 0 ? text("", "t") : NULL,
        i == 1 ? pdf() : NULL,
        i == 2 ? external("https://x.test/") : NULL,
        i == 3 ? within(note("t")) : NULL,
        i == 4 ? multi("multipart/digest", within(note("t")), within(message_of(TEXT | HTML)), NULL) : NULL,
        i == 5 ? multi("multipart/parallel", text("", "t"),
                       multi("MultiPart/Related", text("text/html", "h"), shown(png(NULL), "i"), NULL), NULL)
               : NULL,
        i == 6 ? multi("multipart/mixed", within(message_of(ATTACHED)), external("https://x.test/"), NULL)
               : NULL,
        i == 7 ? multi("multipart/x-own", text("", "t"), NULL, NULL) : NULL,
    };
    struct nm_message *m = rooted(root[i]);
    if (i == 5) { /* the sketch shows the type as it was written */
      letter_must(nm_part_set_type(m->root->children->items[1], NM_STR("multipart/related"), NULL));
    }
    check_sketch(m, want[i]);
    char more[300];
    snprintf(more, sizeof more, "mixed(%s application/pdf image/png)", want[i]);
    put(m->attachments, pdf());
    put(m->attachments, png("id")); /* the root may show it or not: it is not ours to move */
    check_sketch(m, more);
    nm_message_unref(&m);
  }
}

static void a_root_stands_alone(void) {
  for (unsigned has = TEXT; has <= VIEW; has <<= 1) {
    struct nm_message *m = message_of(has);
    m->root = text("", "t");
    struct nm_tree tree;
    struct nm_error e = {0};
    if (has == SHOWN || has == ATTACHED) {
      CHECK(nm_tree_make(&tree, m, &e) == 0);
      nm_tree_free(&tree);
    } else {
      CHECK(nm_tree_make(&tree, m, &e) == NM_EINVAL && e.kind == NM_KIND_MESSAGE);
      CHECK_ROW(strstr(e.text, "RootPart") != NULL && strstr(e.text, "Calendar") != NULL, e.text);
    }
    struct nm_message *outer = note("t");
    put(outer->attachments, within(m)); /* and so it is further in */
    CHECK((nm_tree_make(&tree, outer, &e) == 0) == (has == SHOWN || has == ATTACHED));
    nm_tree_free(&tree);
    nm_message_unref(&outer);
  }
}

/* The header of a node as the tree says it. */
static void dispositions_are_by_place(void) {
  struct nm_message *m = message_of(HTML | LINKED | ATTACHED | CALENDAR);
  struct nm_part *p = pdf();
  p->disposition = NM_DISPOSITION_INLINE;
  put(m->attachments, p);
  put(m->attachments, multi("multipart/mixed", pdf(), NULL, NULL));
  struct nm_tree tree;
  CHECK(nm_tree_make(&tree, m, NULL) == 0);
  const struct nm_node *related = tree.root->child;
  const struct nm_node *ics = related->next, *attached = ics->next, *inlined = attached->next;
  CHECK(related->disposition == NM_DISPOSITION_DEFAULT);
  CHECK(related->child->disposition == NM_DISPOSITION_DEFAULT);
  CHECK(related->child->next->disposition == NM_DISPOSITION_INLINE);
  CHECK(related->child->next->next->disposition == NM_DISPOSITION_INLINE);
  CHECK(ics->disposition == NM_DISPOSITION_ATTACHMENT && nm_str_eq(ics->name, NM_STR("invite.ics")));
  CHECK(attached->disposition == NM_DISPOSITION_ATTACHMENT);
  CHECK(inlined->disposition == NM_DISPOSITION_INLINE);
  CHECK(inlined->next->disposition == NM_DISPOSITION_DEFAULT && inlined->next->next == NULL);
  CHECK(inlined->next->child->disposition == NM_DISPOSITION_DEFAULT);
  nm_tree_free(&tree);
  nm_message_unref(&m);
}

/* One part may stand anywhere, any number of times. */
static void one_part_in_ten_places(void) {
  struct nm_message *m = letter_new();
  struct nm_part *p = shown(text("text/html", "h"), "id");
  letter_must(nm_list_add(m->views, p));
  letter_must(nm_list_add(m->views, p));
  letter_must(nm_list_add(m->linked, p));
  for (int i = 0; i < 4; i++) {
    letter_must(nm_list_add(m->attachments, p));
  }
  put(m->attachments, multi("multipart/mixed", nm_part_ref(p), nm_part_ref(p), nm_part_ref(p)));
  check_sketch(m, "mixed(related(alternative(text/html text/html) text/html text/html text/html text/html "
                  "text/html) mixed(text/html text/html text/html))");
  struct nm_buf got = {0};
  struct nm_error e = {0};
  CHECK_ROW(render_to(&got, m, 0, &e) == 0, e.text);
  CHECK(count_of(&got, "\r\n\r\nh\r\n--=_") == 10);
  nm_buf_free(&got);
  nm_message_unref(&m);
  CHECK(p->refs == 1);
  nm_part_unref(&p);
}

static struct nm_part *wrap_part(struct nm_part *p) {
  return multi("multipart/mixed", p, NULL, NULL);
}

static struct nm_part *wrap_message(struct nm_part *p) {
  struct nm_message *m = letter_new();
  put(m->attachments, p);
  return within(m);
}

static struct nm_part *wrap_root(struct nm_part *p) {
  struct nm_message *m = letter_new();
  m->root = p;
  return within(m);
}

static struct nm_part *wrap_view(struct nm_part *p) {
  struct nm_message *m = letter_new();
  put(m->views, p);
  return within(m);
}

static struct nm_part *wrap_linked(struct nm_part *p) {
  struct nm_message *m = letter_new();
  put(m->linked, p);
  return within(m);
}

/* A message holds its own text too: the smallest tree in it is two high. */
static void fifty_levels_and_no_more(void) {
  struct nm_part *(*const wraps[])(struct nm_part *) = {wrap_part, wrap_message, wrap_root, wrap_view,
                                                        wrap_linked};
  for (size_t i = 0; i < sizeof wraps / sizeof wraps[0]; i++) {
    struct nm_part *p = text("", "deep");
    while (p->height < NM_PART_HEIGHT_MAX) {
      unsigned before = p->height;
      p = wraps[i](p);
      CHECK(p->height == before + 1);
    }
    struct nm_list *list = nm_part_list_new();
    struct nm_message *m = letter_new();
    struct nm_part *none = NULL;
    struct nm_error e = {0};
    letter_must(nm_list_add(list, p));
    CHECK(nm_part_new_multipart(NM_STR("multipart/mixed"), list, &none, &e) == NM_ELIMIT && none == NULL);
    CHECK_ROW(strstr(e.text, "50 levels") != NULL && e.kind == NM_KIND_MESSAGE, e.text);
    struct nm_list *lists[] = {m->attachments, m->views, m->linked};
    for (size_t k = 0; k < 3; k++) {
      letter_must(nm_list_add(lists[k], p));
      CHECK(nm_part_new_message(m, &none, &e) == NM_ELIMIT && none == NULL);
      nm_list_clear(lists[k]);
    }
    m->root = nm_part_ref(p);
    CHECK(nm_part_new_message(m, &none, &e) == NM_ELIMIT && none == NULL);
    nm_part_unref(&m->root);
    put(m->attachments, p); /* what there is can be sent */
    struct nm_buf got = {0};
    CHECK_ROW(render_to(&got, m, 0, &e) == 0, e.text);
    CHECK(strstr(got.p, "\r\n\r\ndeep\r\n") != NULL);
    nm_buf_free(&got);
    nm_list_unref(&list);
    nm_message_unref(&m);
  }
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Ten times itself at each level: 10^20 nodes from 200 references. The tree ends at its limit, not with the memory. */
static void a_bomb_is_refused(void) {
  for (int messages = 0; messages < 2; messages++) {
    struct nm_part *p = text("", "boom");
    for (int level = 0; level < 20; level++) {
      struct nm_list *list = nm_part_list_new();
      struct nm_message *m = letter_new();
      struct nm_part *outer = NULL;
      for (int i = 0; i < 10; i++) {
        letter_must(nm_list_add(list, p));
        letter_must(nm_list_add(m->attachments, p));
      }
      letter_must(messages ? nm_part_new_message(m, &outer, NULL)
                           : nm_part_new_multipart(NM_STR("multipart/mixed"), list, &outer, NULL));
      nm_list_unref(&list);
      nm_message_unref(&m);
      nm_part_unref(&p);
      p = outer;
    }
    struct nm_message *m = rooted(p);
    struct nm_buf got = {0};
    struct nm_error e = {0};
    long live = nm_test_alloc_live();
    double begin = now();
    CHECK(render_to(&got, m, 0, &e) == NM_ELIMIT && e.kind == NM_KIND_MESSAGE && got.n == 0);
    CHECK_ROW(strstr(e.text, "more than 200000 parts") != NULL, e.text);
    CHECK(now() - begin < 30); /* some tens of milliseconds, but for a busy machine */
    CHECK(nm_test_alloc_live() == live);
    nm_message_unref(&m);
  }
}

static void a_hundred_thousand_parts(void) {
  struct nm_message *m = letter_new();
  struct nm_part *p = octets("image/png", NM_STR("x"));
  struct nm_part *view = text("text/enriched", "v");
  for (int i = 0; i < NM_PART_LIST_MAX; i++) {
    letter_must(nm_list_add(m->attachments, p));
  }
  CHECK(nm_list_add(m->attachments, p) == NM_ELIMIT);
  for (int i = 0; i < NM_PART_LIST_MAX - 2; i++) { /* no two of the lists may be multiplied */
    letter_must(nm_list_add(m->views, view));
  }
  struct nm_tree tree;
  double begin = now();
  CHECK(nm_tree_make(&tree, m, NULL) == 0);
  CHECK(now() - begin < 30);
  CHECK(tree.n == 2 * NM_PART_LIST_MAX);
  nm_tree_free(&tree);
  letter_must(nm_list_add(m->views, view));
  struct nm_error e = {0};
  CHECK(nm_tree_make(&tree, m, &e) == NM_ELIMIT);
  nm_list_clear(m->views);
  struct nm_buf got = {0};
  CHECK(render_to(&got, m, 0, &e) == 0);
  CHECK(count_of(&got, "\r\neA==\r\n--=_") == NM_PART_LIST_MAX);
  nm_buf_free(&got);
  nm_part_unref(&p);
  nm_part_unref(&view);
  nm_message_unref(&m);
}

static void short_memory_leaves_nothing(void) {
  struct nm_message *m = message_of(TEXT | HTML | CALENDAR | LINKED | SHOWN | ATTACHED | VIEW | AMP);
  letter_must(nm_message_set_body_encoding(m, NM_STR("koi8-r"), NULL));
  put(m->attachments, within(message_of(TEXT | HTML)));
  put(m->attachments, external("https://x.test/"));
  struct nm_part *koi = text("", "\xd0\x9f");
  letter_must(nm_part_set_param(koi, NM_STR("charset"), NM_STR("koi8-r"), NULL));
  put(m->attachments, multi("multipart/mixed", koi, png("i"), NULL));
  long before = nm_test_alloc_live();
  int err = NM_ENOMEM;
  long n = 0;
  while (err == NM_ENOMEM && n < 10000) {
    struct nm_tree tree;
    struct nm_error e = {0};
    nm_test_alloc_fail_at(++n);
    err = nm_tree_make(&tree, m, &e);
    nm_test_alloc_fail_at(0);
    CHECK(err == 0 || (e.code == NM_ENOMEM && tree.root == NULL));
    nm_tree_free(&tree);
    CHECK(nm_test_alloc_live() == before);
  }
  CHECK(err == 0 && n > 5);
  nm_message_unref(&m);
}

int main(void) {
  RUN(what_there_is_makes_the_tree);
  RUN(a_message_within_has_the_same_tree);
  RUN(a_root_by_hand_is_the_body);
  RUN(a_root_stands_alone);
  RUN(dispositions_are_by_place);
  RUN(one_part_in_ten_places);
  RUN(fifty_levels_and_no_more);
  RUN(a_bomb_is_refused);
  RUN(a_hundred_thousand_parts);
  RUN(short_memory_leaves_nothing);
  return ctest_end();
}

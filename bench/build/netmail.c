/* Messages built by netmail's core without Lua: see run.py. */

#include "job.h"

#include "base/content.h"
#include "mime/message.h"
#include "mime/part.h"
#include "now.h"

#define PIECE 65536

static void must(int err, const struct nm_error *e) {
  if (err < 0) {
    die(e->text);
  }
}

static struct nm_addr *address(const char *name, const char *spec) {
  struct nm_addr *a = NULL;
  struct nm_error e;
  must(nm_addr_make(nm_str_c(spec), nm_str_c(name), &a, &e), &e);
  return a;
}

static void attach(struct nm_message *m, struct nm_content *content, const char *name) {
  struct nm_part *part = NULL;
  struct nm_error e;
  must(nm_part_new(content, nm_str_c(name), &part, &e), &e);
  must(nm_list_add(m->attachments, part), &e);
  nm_part_unref(&part);
  nm_content_unref(&content);
}

static struct nm_message *make(const struct job *job) {
  struct nm_message *m = NULL;
  struct nm_error e = {.text = "out of memory"};
  must(nm_message_new(&m), &e);
  m->from = address(FROM_NAME, FROM_ADDRESS);
  struct nm_addr *to = address(TO_NAME, TO_ADDRESS);
  must(nm_list_add(m->to, to), &e);
  nm_addr_unref(&to);
  must(nm_message_set_subject(m, nm_str_c(SUBJECT), &e), &e);
  must(nm_message_set_text(m, nm_str(job->text.p, job->text.n), &e), &e);
  if (job->kind == PARTS) {
    must(nm_message_set_html(m, nm_str(job->page.p, job->page.n), &e), &e);
  }
  for (int i = 0; i < ATTACHMENTS && job->kind == PARTS; i++) {
    struct nm_content *content = NULL;
    must(nm_content_memory(nm_str(job->octets.p, job->octets.n), &content, &e), &e);
    attach(m, content, "octets.bin");
  }
  if (job->kind == LARGE) {
    struct nm_content *content = NULL;
    must(nm_content_file(nm_str_c(job->large), &content, &e), &e);
    attach(m, content, "large.bin");
  }
  return m;
}

static int64_t build(const struct job *job) {
  static char piece[PIECE];
  struct nm_message *m = make(job);
  struct nm_now now = {0};
  struct nm_source *source = NULL;
  struct nm_error e;
  int64_t octets = 0;
  size_t n = 0;
  must(nm_now_take(&now, m, &e), &e);
  must(nm_message_render(m, &now.stamp, &source, &e), &e);
  do {
    must(nm_source_read(source, piece, sizeof piece, &n), &source->error);
    octets += (int64_t)n;
  } while (n > 0);
  nm_source_free(&source);
  nm_now_free(&now);
  nm_message_unref(&m);
  return octets;
}

int main(int argc, char **argv) {
  struct job job = read_job(argc, argv);
  return run_job(&job, build);
}

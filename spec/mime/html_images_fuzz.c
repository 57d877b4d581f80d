/* Invariant: the references to pictures stand in the HTML one behind the other; with each replaced by a cid: URL, the same places are
   found again, all of them with that URL, so the HTML around them means what it did. After the data: URIs were embedded none is left,
   each part is shown, and embedding again changes nothing. */

#include "base/utf8.h"
#include "mime/embed.h"
#include "mime/html_images.h"

#include <stdint.h>
#include <stdlib.h>

#define CID "cid:x@y"

static void must(int ok) {
  if (!ok) {
    abort();
  }
}

/* html with CID for each reference; how many there are. */
static size_t replace_all(struct nm_str html, struct nm_buf *out) {
  struct nm_html_images it = {.scan.in = html};
  struct nm_str reference;
  size_t at = 0, n = 0;
  while (nm_html_images_next(&it, &reference)) {
    size_t begin = (size_t)(reference.p - html.p);
    must(reference.n > 0 && begin >= at && begin + reference.n <= html.n);
    nm_buf_add(out, html.p + at, begin - at);
    nm_buf_add_c(out, CID);
    at = begin + reference.n;
    n++;
  }
  nm_buf_add(out, html.p + at, html.n - at);
  return n;
}

static void check_replaced(struct nm_str html, size_t n) {
  struct nm_html_images it = {.scan.in = html};
  struct nm_str reference;
  struct nm_buf target = {.max = 1 << 20};
  while (nm_html_images_next(&it, &reference)) {
    must(n-- > 0 && nm_str_eq(reference, NM_STR(CID)));
    must(nm_html_image_read(reference, &target) == NM_IMAGE_OTHER);
  }
  must(n == 0);
  nm_buf_free(&target);
}

static void check_embedded(const struct nm_message *m, size_t count) {
  struct nm_html_images it = {.scan.in = nm_content_bytes(m->html)};
  struct nm_str reference;
  struct nm_buf target = {.max = 1 << 20};
  must(m->linked->n == count);
  while (nm_html_images_next(&it, &reference)) {
    must(nm_html_image_read(reference, &target) != NM_IMAGE_DATA);
  }
  for (size_t i = 0; i < count; i++) {
    const struct nm_part *p = m->linked->items[i];
    struct nm_str html = nm_content_bytes(m->html);
    must(memmem(html.p, html.n, p->content_id.p, p->content_id.n) != NULL);
    must(nm_part_type(p).n > 6 && memcmp(nm_part_type(p).p, "image/", 6) == 0);
  }
  nm_buf_free(&target);
}

static void check_embed(struct nm_str html) {
  struct nm_message *m = NULL;
  struct nm_error e = {0};
  size_t count = 0;
  must(nm_message_new(&m) == 0);
  if (nm_message_set_html(m, html, &e) == 0) {
    struct nm_content *before = m->html;
    if (nm_embed_images(m, nm_str(NULL, 0), &count, &e) == 0) {
      check_embedded(m, count);
      size_t again = 0;
      before = m->html;
      must(nm_embed_images(m, nm_str(NULL, 0), &again, &e) == 0 && again == 0);
    } else {
      must(m->linked->n == 0);
    }
    must(m->html == before);
  }
  nm_message_unref(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct nm_str html = nm_str((const char *)data, size);
  struct nm_buf out = {.max = (size_t)1 << 28};
  size_t n = replace_all(html, &out);
  check_replaced(nm_buf_str(&out), n);
  nm_buf_free(&out);
  check_embed(html);
  return 0;
}

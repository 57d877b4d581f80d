#include "mime/tree_text.h"

#include "mime/charset.h"
#include "mime/html_text.h"

static int encode(struct nm_str charset, struct nm_content *utf8, struct nm_content **out,
                  struct nm_error *why) {
  struct nm_buf text = {.max = NM_BODY_MAX};
  int err = nm_charset_encode(charset, nm_content_bytes(utf8), &text, why);
  if (err == 0 && text.err != 0) {
    err = nm_error_set(why, text.err, NM_KIND_MESSAGE, "it is too long in this charset");
  }
  err = err == 0 ? nm_content_memory(nm_buf_str(&text), out, why) : err;
  nm_buf_free(&text);
  return err;
}

int nm_node_set_text(struct nm_node *node, struct nm_content *utf8, const char *field, struct nm_error *e) {
  if (nm_charset_is_utf8(node->charset)) {
    node->charset = NM_STR("utf-8");
    node->content = nm_content_ref(utf8);
    return 0;
  }
  struct nm_error why = {0};
  int err = encode(node->charset, utf8, &node->content, &why);
  if (err == NM_ENOMEM) {
    return nm_error_nomem(e);
  }
  return err == 0 ? 0 : nm_error_set(e, err, NM_KIND_MESSAGE, "%s: %s; utf-8 has them all", field, why.text);
}

static int set_or_keep(struct nm_node *node, struct nm_content *utf8, struct nm_error *e) {
  struct nm_error why = {0};
  int err = nm_node_set_text(node, utf8, "Text", &why);
  if (err == NM_EINVAL) {
    node->charset = NM_STR("utf-8");
    return nm_node_set_text(node, utf8, "Text", e);
  }
  if (err != 0) {
    nm_error_copy(e, &why);
  }
  return err;
}

int nm_node_set_text_of_html(struct nm_node *node, struct nm_content *html, struct nm_error *e) {
  struct nm_buf text = {.max = NM_BODY_MAX};
  struct nm_content *utf8 = NULL;
  int err = nm_html_to_text(nm_content_bytes(html), &text, e);
  err = err == 0 ? nm_content_memory(nm_buf_str(&text), &utf8, e) : err;
  err = err == 0 ? set_or_keep(node, utf8, e) : err;
  nm_content_unref(&utf8);
  nm_buf_free(&text);
  return err;
}

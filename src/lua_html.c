/// HTML: the text of it, and its pictures.
// @module netmail

#include "lua_html.h"

#include "base/buf.h"
#include "lua_message.h"
#include "mime/embed.h"
#include "mime/html_text.h"
#include "mime/message.h"

static void release_buf(void *memory) {
  nm_buf_free(memory);
}

/// A readable plain text of an HTML text, as the text/plain alternative of a mail has it.
// Paragraphs, headings, lists ("* ", "1. "), quotes ("> "), links as `text <url>`, pictures by their `alt`, a table's rows as
// "a | b"; nothing of scripts, styles and what is hidden. Lines are not wrapped.
// @function HtmlToText
// @string html in UTF-8
// @treturn[1] string in UTF-8, with "\n" as line ends; empty, or ending in one
// @treturn[2] nil
// @treturn[2] string where it is not UTF-8
// @treturn[2] table detail, `Kind` "message"
static int html_to_text(lua_State *L) {
  struct nm_str html = nm_check_string(L, 1, "html");
  lua_settop(L, 1);
  struct nm_buf *text = nm_scratch(L, sizeof *text, release_buf);
  struct nm_error e = {0};
  text->max = NM_BODY_MAX;
  if (nm_html_to_text(html, text, &e) < 0) {
    return nm_push_failure(L, &e, NULL);
  }
  nm_push_str(L, nm_buf_str(text));
  nm_scratch_release(L, 2);
  return 1;
}

static size_t bytes_of_last(const struct nm_list *parts, size_t n) {
  size_t bytes = 0;
  for (size_t i = parts->n - n; i < parts->n; i++) {
    bytes += nm_content_bytes(((const struct nm_part *)parts->items[i])->content).n;
  }
  return bytes;
}

/// Takes the pictures that `Html` shows into the message: `src` of img and the like, `srcset`, `background`, `url(...)` in style
// attributes. A relative path is a file below the base directory, and nothing outside it is ever read; data: URIs are decoded; any
// other reference (http:, cid:, an absolute path) stays as it is. `Html` then refers to parts in `LinkedResources`; equal pictures
// share one. Files are read now. All or nothing: when it fails, the message is as before.
// @function MailMessage:EmbedImages
// @string[opt] base_directory without it only data: URIs are taken
// @treturn[1] number of parts that were added
// @treturn[2] nil
// @treturn[2] string which picture cannot be taken, and why
// @treturn[2] table detail, `Kind` "message"
int nm_message_m_embed_images(lua_State *L) {
  nm_gc_announce(L, &nm_message_class);
  struct nm_message *m = nm_class_self(L, &nm_message_class, "EmbedImages");
  struct nm_str base = nm_opt_string(L, 2, "base_directory");
  struct nm_error e = {0};
  size_t count = 0;
  if (nm_embed_images(m, base, &count, &e) < 0) {
    return nm_push_failure(L, &e, NULL);
  }
  nm_gc_pressure(L, bytes_of_last(m->linked, count));
  lua_pushinteger(L, (lua_Integer)count);
  return 1;
}

void nm_open_html(lua_State *L) {
  lua_pushcfunction(L, html_to_text);
}

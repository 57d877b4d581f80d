/// HTML: the text of it.
// @module netmail

#include "lua_html.h"

#include "base/buf.h"
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

void nm_open_html(lua_State *L) {
  lua_pushcfunction(L, html_to_text);
}

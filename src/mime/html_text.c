#include "mime/html_text.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "mime/html_attributes.h"
#include "mime/html_frame.h"
#include "mime/html_link.h"
#include "mime/html_out.h"
#include "mime/html_ref.h"
#include "mime/html_scan.h"
#include "mime/html_stack.h"
#include "mime/html_style.h"

struct text {
  struct nm_html_out out;
  struct nm_html_stack stack;
  size_t beyond; /* elements begun deeper than the stack goes */
  size_t hidden; /* the outermost open element that is hidden, + 1; 0: none */
  size_t pre;    /* open elements whose white space counts */
  int drop_text; /* the last tag was that of a script or the like */
  int pre_begins;
  struct nm_str href; /* of the open link */
  int link_has_image;
};

/* ---- text ---- */

static void add_text(struct text *t, struct nm_str s, int raw) {
  size_t at = 0;
  while (at < s.n) {
    size_t end = at;
    while (end < s.n && (unsigned char)s.p[end] > ' ' && (unsigned char)s.p[end] < 0x7f &&
           (s.p[end] != '&' || raw)) {
      end++;
    }
    if (end > at) {
      nm_html_out_run(&t->out, nm_str(s.p + at, end - at));
    } else {
      uint32_t cp = 0;
      struct nm_str rest = nm_str(s.p + at, s.n - at);
      end = at + (raw ? nm_utf8_next(rest.p, rest.n, &cp) : nm_html_char(rest, 0, &cp));
      nm_html_out_char(&t->out, cp, t->pre > 0);
    }
    at = end;
  }
}

/* WHATWG HTML 13.2.6.4.7, pre: "If the next token is a U+000A LINE FEED (LF) character token, then ignore that token". */
static struct nm_str without_first_line_end(struct nm_str s) {
  size_t n = s.n > 0 && s.p[0] == '\r';
  n += n < s.n && s.p[n] == '\n';
  return nm_str(s.p + n, s.n - n);
}

static void on_text(struct text *t, const struct nm_html_token *token) {
  if (!t->drop_text && t->hidden == 0) {
    add_text(t, t->pre_begins ? without_first_line_end(token->all) : token->all, token->raw);
  }
}

/* ---- the end of an element ---- */

static void end_link(struct text *t) {
  struct nm_buf url = {.max = t->out.b->max};
  struct nm_str said = nm_html_out_marked(&t->out);
  nm_html_link(&url, t->href);
  if (url.n > 0 && said.n > 0 && !nm_html_link_is_said(said, nm_buf_str(&url))) {
    nm_html_out_tail(&t->out, NM_STR(" <"));
    nm_html_out_tail(&t->out, nm_buf_str(&url));
    nm_html_out_tail(&t->out, NM_STR(">"));
  } else if (url.n > 0 && said.n == 0 && t->link_has_image) { /* a picture without words is all there is */
    nm_html_out_char(&t->out, '<', 0);
    nm_html_out_tail(&t->out, nm_buf_str(&url));
    nm_html_out_tail(&t->out, NM_STR(">"));
  }
  t->out.b->err = t->out.b->err != 0 ? t->out.b->err : url.err;
  nm_buf_free(&url);
  t->href = nm_str("", 0);
}

/* Before o leaves the stack. */
static void end_effects(struct text *t, const struct nm_html_open *o) {
  if (o->element->id == NM_EL_A) {
    end_link(t);
  } else if (o->element->id == NM_EL_Q) {
    nm_html_out_tail(&t->out, NM_STR("\""));
  }
  if (o->pre && --t->pre == 0) {
    t->out.breaks = t->out.breaks < 2 ? t->out.breaks : 2;
  }
  if (o->held) {
    nm_html_frame_end(&t->out, o->element);
  }
}

/* Takes the one at i off the stack, and nothing else. */
static void take_off(struct text *t, size_t i) {
  struct nm_html_open o = t->stack.open[i];
  if (o.live) {
    end_effects(t, &o);
  }
  t->stack.n--;
  memmove(&t->stack.open[i], &t->stack.open[i + 1], (t->stack.n - i) * sizeof o);
  if (o.live) {
    nm_html_out_break(&t->out, nm_html_frame_breaks(&t->stack, o.element));
  }
  if (t->hidden == i + 1) {
    t->hidden = 0;
    for (size_t k = i; k < t->stack.n && t->hidden == 0; k++) {
      t->hidden = t->stack.open[k].hidden ? k + 1 : 0;
    }
  } else if (t->hidden > i + 1) {
    t->hidden--;
  }
}

static void keep_only(struct text *t, size_t n) {
  while (t->stack.n > n) {
    take_off(t, t->stack.n - 1);
  }
}

/* The same for a tag that implies the end of a paragraph. A link around a block, with no text yet, is what browsers carry over into the
   block: "<p><a><div>Go</div></a>". */
static void end_paragraph(struct text *t, size_t n) {
  for (size_t i = t->stack.n; i > n; i--) {
    if (t->stack.open[i - 1].element->id != NM_EL_A || !t->out.unmarked) {
      take_off(t, i - 1);
    }
  }
}

static void on_end(struct text *t, const struct nm_html_token *token) {
  const struct nm_html_element *element = nm_html_element(token->name);
  if (t->beyond > 0 && (element->flags & NM_EL_VOID) == 0) {
    t->beyond--;
    return;
  }
  int alone;
  size_t i = nm_html_stack_ended(&t->stack, element, token->name, &alone);
  if (i < t->stack.n && alone) {
    take_off(t, i);
  } else if (i < t->stack.n) {
    keep_only(t, i);
  } else if (t->hidden == 0 &&
             element->id == NM_EL_BR) { /* browsers take "</br>" for "<br>", "</p>" for "<p></p>" */
    nm_html_out_br(&t->out);
  } else if (t->hidden == 0 && element->id == NM_EL_P) {
    nm_html_out_break(&t->out, 2);
  }
}

/* ---- the beginning of an element ---- */

static void begin_effects(struct text *t, struct nm_html_open *o, const struct nm_html_attributes *a) {
  nm_html_out_break(&t->out, nm_html_frame_breaks(&t->stack, o->element));
  o->held = (unsigned char)nm_html_frame_begin(&t->out, &t->stack, o, a);
  t->pre += o->pre;
  if (o->element->id == NM_EL_A) {
    t->href = a->href.p != NULL ? a->href : nm_str("", 0);
    t->link_has_image = 0;
    nm_html_out_mark(&t->out);
  } else if (o->element->id == NM_EL_Q) {
    nm_html_out_char(&t->out, '"', 0);
  }
}

static void push(struct text *t, const struct nm_html_element *element, struct nm_str name,
                 const struct nm_html_attributes *a) {
  struct nm_html_style style = a->style.p != NULL ? nm_html_style(a->style) : (struct nm_html_style){0, 0};
  if (t->stack.n == NM_HTML_DEPTH_MAX || (element->name[0] == '\0' && name.n > NM_HTML_NAME_MAX)) {
    t->beyond += t->stack.n == NM_HTML_DEPTH_MAX;
    return;
  }
  struct nm_html_open o = {.element = element, .name = name, .live = t->hidden == 0, .number = 1};
  o.hidden = a->is_hidden || style.hidden || (element->flags & NM_EL_DROP) != 0;
  o.live = o.live && !o.hidden;
  o.pre = o.live && (style.pre || element->id == NM_EL_PRE);
  if (element->id == NM_EL_OL) {
    o.number = nm_html_integer(a->start, 1);
  }
  if (o.live) {
    begin_effects(t, &o, a);
  }
  t->stack.open[t->stack.n++] = o;
  if (o.hidden && t->hidden == 0) {
    t->hidden = t->stack.n;
  }
}

/* A picture stands for its words; a button that is a picture too. */
static void on_image(struct text *t, const struct nm_html_attributes *a) {
  t->link_has_image = 1;
  for (size_t at = 0; at < a->alt.n;) {
    uint32_t cp;
    at += nm_html_char(nm_str(a->alt.p + at, a->alt.n - at), 1, &cp);
    nm_html_out_char(&t->out, cp, 0);
  }
}

static void on_void(struct text *t, const struct nm_html_element *element,
                    const struct nm_html_attributes *a) {
  struct nm_html_style style = a->style.p != NULL ? nm_html_style(a->style) : (struct nm_html_style){0, 0};
  if (t->hidden > 0 || a->is_hidden || style.hidden) {
    return;
  }
  if (element->id == NM_EL_BR) {
    nm_html_out_br(&t->out);
  } else if (element->id == NM_EL_HR) {
    nm_html_out_break(&t->out, 2);
    nm_html_out_run(&t->out, NM_STR("----------------------------------------"));
    nm_html_out_break(&t->out, 2);
  } else if (element->id == NM_EL_IMG ||
             (element->id == NM_EL_INPUT && nm_str_ieq(a->type, NM_STR("image")))) {
    on_image(t, a);
  }
}

/* A cell without a row gets one. */
static void imply_row(struct text *t) {
  static const struct nm_html_attributes none = {.is_hidden = 0};
  size_t table = t->stack.n, row = t->stack.n;
  for (size_t i = t->stack.n; i > 0 && table == t->stack.n; i--) {
    unsigned char id = t->stack.open[i - 1].element->id;
    table = id == NM_EL_TABLE ? i - 1 : table;
    row = id == NM_EL_ROW ? i - 1 : row;
  }
  if (table < t->stack.n && row == t->stack.n) {
    push(t, nm_html_element(NM_STR("tr")), NM_STR("tr"), &none);
  }
}

/* What the tag of a new element ends. */
static void imply_ends(struct text *t, const struct nm_html_element *element) {
  size_t n = nm_html_stack_before(&t->stack, element);
  if (n < t->stack.n && t->stack.open[n].element->id == NM_EL_P) {
    end_paragraph(t, n);
  } else {
    keep_only(t, n);
  }
  size_t link = element->id == NM_EL_A ? nm_html_stack_find(&t->stack, NM_EL_A) : t->stack.n;
  if (link < t->stack.n) {
    take_off(t, link);
  }
}

/* is_text: the next token is all that is in the element. */
static void on_start(struct text *t, const struct nm_html_token *token, int is_text) {
  const struct nm_html_element *element = nm_html_element(token->name);
  struct nm_html_attributes a = {.is_hidden = 0};
  int drop = (element->flags & NM_EL_DROP) != 0;
  nm_html_attributes_read(&a, token->attributes);
  imply_ends(t, element);
  t->drop_text = drop && is_text;
  if ((element->flags & NM_EL_VOID) != 0) {
    on_void(t, element, &a);
    return;
  }
  if (drop && token->self_closing && !is_text) { /* "<svg/>" */
    return;
  }
  if (element->id == NM_EL_CELL) {
    imply_row(t);
  }
  push(t, element, token->name, &a);
  t->pre_begins = element->id == NM_EL_PRE;
}

static void convert(struct text *t, struct nm_str html) {
  struct nm_html_scan scan = {.in = html};
  struct nm_html_token token;
  while (nm_html_next(&scan, &token) != NM_HTML_OVER && t->out.b->err == 0) {
    if (token.kind == NM_HTML_TEXT) {
      on_text(t, &token);
    }
    t->pre_begins = 0;
    t->drop_text = 0;
    if (token.kind == NM_HTML_START) {
      on_start(t, &token, scan.text_of.n > 0);
    } else if (token.kind == NM_HTML_END) {
      on_end(t, &token);
    }
  }
  keep_only(t, 0);
  nm_html_out_end(&t->out);
}

int nm_html_to_text(struct nm_str html, struct nm_buf *out, struct nm_error *e) {
  size_t valid = nm_utf8_valid(html);
  if (valid < html.n) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                        "the HTML is not valid UTF-8 at byte %zu; convert it to UTF-8 first", valid + 1);
  }
  struct text *t = nm_zalloc(sizeof *t);
  if (t == NULL) {
    return nm_error_nomem(e);
  }
  t->out.b = out;
  t->href = nm_str("", 0);
  convert(t, html);
  nm_free(t);
  if (out->err == NM_ELIMIT) {
    return nm_error_set(e, NM_ELIMIT, NM_KIND_MESSAGE,
                        "the text of the HTML is too long: more than %zu bytes", out->max);
  }
  return out->err != 0 ? nm_error_nomem(e) : 0;
}

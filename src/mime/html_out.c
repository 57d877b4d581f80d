#include "mime/html_out.h"

#include "base/chars.h"
#include "base/utf8.h"

/* ---- margins ---- */

static int margin_begin(struct nm_html_out *o, struct nm_str marker, int quote) {
  if (o->margins_n == NM_HTML_MARGINS_MAX || marker.n > NM_HTML_MARKER_MAX) {
    return 0;
  }
  struct nm_html_margin *m = &o->margins[o->margins_n++];
  *m = (struct nm_html_margin){.n = (unsigned char)marker.n, .quote = quote != 0, .due = 1};
  m->indent = m->n < 4 ? m->n : 4; /* "10000. " would push its lines far to the right */
  memcpy(m->marker, marker.p, marker.n);
  return 1;
}

int nm_html_out_quote(struct nm_html_out *o) {
  return margin_begin(o, NM_STR("> "), 1);
}

int nm_html_out_item(struct nm_html_out *o, struct nm_str marker) {
  return margin_begin(o, marker, 0);
}

void nm_html_out_margin_end(struct nm_html_out *o) {
  o->margins_n--;
  o->common = o->common < o->margins_n ? o->common : o->margins_n;
}

static void write_margin(struct nm_html_out *o, struct nm_html_margin *m, int text) {
  if (m->quote || (m->due && text)) {
    nm_buf_add(o->b, m->marker, m->n);
    m->due = m->due && !text;
  } else {
    nm_buf_add(o->b, "    ", m->indent);
  }
}

void nm_html_out_margins(struct nm_html_out *o) {
  for (size_t i = 0; i < o->margins_n; i++) {
    write_margin(o, &o->margins[i], 1);
  }
  o->common = o->margins_n;
}

/* ---- what is due ---- */

/* What a margin leaves at the end of a blank line. */
static void trim_line(struct nm_html_out *o) {
  while (o->b->n > 0 && o->b->p[o->b->n - 1] == ' ') {
    o->b->n--;
  }
}

/* The blank lines of a quote are quoted too, but not those around it. */
static void write_breaks(struct nm_html_out *o) {
  for (size_t line = 0; line < o->breaks; line++) {
    if (line > 0) {
      for (size_t i = 0; i < o->common; i++) {
        write_margin(o, &o->margins[i], 0);
      }
      trim_line(o);
    }
    nm_buf_add_byte(o->b, '\n');
  }
}

/* Before each character that can be seen. */
static void flush(struct nm_html_out *o) {
  size_t breaks = o->b->n > 0 ? o->breaks : 0;
  size_t before = o->b->n;
  if (o->b->n == 0) {
    nm_html_out_margins(o);
  } else if (breaks > 0) {
    write_breaks(o);
    nm_html_out_margins(o);
  } else if (o->space && o->blanks == 0) {
    nm_buf_add_byte(o->b, ' ');
  }
  for (size_t i = 0; i < o->blanks; i++) {
    nm_buf_add_byte(o->b, i < NM_HTML_BLANKS_MAX ? o->blank[i] : ' ');
  }
  o->breaks = 0;
  o->space = 0;
  o->blanks = 0;
  if (o->unmarked) {
    o->unmarked = 0;
    o->mark = o->b->n;
  }
  nm_html_table_text(o, before, breaks);
}

void nm_html_out_break(struct nm_html_out *o, size_t lines) {
  if (lines > 0) {
    o->breaks = o->breaks < lines ? lines : o->breaks;
    o->space = 0;
    o->blanks = 0;
    o->joiner = 0;
  }
}

void nm_html_out_br(struct nm_html_out *o) {
  nm_html_out_break(o, o->breaks < 2 ? o->breaks + 1 : o->breaks);
}

void nm_html_out_tail(struct nm_html_out *o, struct nm_str s) {
  nm_buf_add_str(o->b, s);
  o->last = 0;
  o->joiner = 0;
  nm_html_table_text(o, o->b->n, 0);
}

void nm_html_out_mark(struct nm_html_out *o) {
  o->unmarked = 1;
}

struct nm_str nm_html_out_marked(const struct nm_html_out *o) {
  struct nm_str all = nm_buf_str(o->b);
  return o->unmarked || o->mark >= all.n ? nm_str("", 0) : nm_str(all.p + o->mark, all.n - o->mark);
}

void nm_html_out_end(struct nm_html_out *o) {
  if (o->b->n > 0) {
    nm_buf_add_byte(o->b, '\n');
  }
}

/* ---- characters ---- */

enum look { SEEN, SPACE, JOINER, NOTHING };

/* No-break and narrow spaces are layout here. What shows nothing goes, soft hyphens among it, but joiners and marks of direction
   (U+200C to U+200F) are spelling in some scripts, and in emoji. */
static enum look look_of(uint32_t cp) {
  if (cp == ' ' || (cp >= '\t' && cp <= '\r') || cp == 0xa0 || (cp >= 0x2000 && cp <= 0x200a) ||
      cp == 0x2028 || cp == 0x2029 || cp == 0x202f || cp == 0x205f) {
    return SPACE;
  }
  if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0xad || cp == 0x34f || cp == 0x200b ||
      (cp >= 0x2060 && cp <= 0x2064) || cp == 0xfeff || (cp & 0xfffe) == 0xfffe ||
      (cp >= 0xfdd0 && cp <= 0xfdef)) {
    return NOTHING;
  }
  return cp >= 0x200c && cp <= 0x200f ? JOINER : SEEN;
}

static void put(struct nm_html_out *o, uint32_t cp) {
  char utf8[NM_UTF8_MAX];
  nm_buf_add(o->b, utf8, nm_utf8_put(utf8, cp));
  o->last = cp;
}

/* U+0590: the first of the scripts that have a use for them. Newsletters fill their preheader with joiners and spaces. */
static void put_joiner(struct nm_html_out *o, uint32_t next) {
  int between = o->breaks == 0 && !o->space && o->blanks == 0 && (o->last >= 0x590 || next >= 0x590);
  if (o->joiner != 0 && between && o->b->n > 0) {
    put(o, o->joiner);
  }
  o->joiner = 0;
}

/* Line ends of preformatted text may be LF, CR or both. */
static void put_pre_space(struct nm_html_out *o, uint32_t cp) {
  if (cp == '\n' || cp == '\r') {
    o->breaks += cp == '\n' && o->cr ? 0 : 1;
    o->cr = cp == '\r';
    o->blanks = 0;
    return;
  }
  o->cr = 0;
  if (o->blanks < NM_HTML_BLANKS_MAX) {
    o->blank[o->blanks] = cp == '\t' ? '\t' : ' ';
  }
  o->blanks++;
}

void nm_html_out_char(struct nm_html_out *o, uint32_t cp, int pre) {
  switch (look_of(cp)) {
    case SEEN:
      put_joiner(o, cp);
      flush(o);
      put(o, cp);
      o->cr = 0;
      break;
    case SPACE:
      o->joiner = 0;
      if (pre) {
        put_pre_space(o, cp);
      } else {
        o->space = o->breaks == 0 && o->blanks == 0 && o->b->n > 0;
      }
      break;
    case JOINER:
      o->joiner = cp;
      break;
    case NOTHING:
      break;
  }
}

void nm_html_out_run(struct nm_html_out *o, struct nm_str s) {
  put_joiner(o, (unsigned char)s.p[0]);
  flush(o);
  nm_buf_add_str(o->b, s);
  o->last = (unsigned char)s.p[s.n - 1];
  o->cr = 0;
}

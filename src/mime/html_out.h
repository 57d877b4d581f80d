#ifndef NM_MIME_HTML_OUT_H
#define NM_MIME_HTML_OUT_H

#include <stdint.h>
#include "base/buf.h"
#include "base/hidden.h"
#include "base/str.h"

/* The plain text that HTML becomes, written character by character. Line ends and spaces are only due at first: they are written
   when something comes that can be seen, so there are none at the beginning, at the end, or too many in between. */

/* Quotes and list items around a line; of deeper ones the outer are shown. That bounds what one line end can cost. */
#define NM_HTML_MARGINS_MAX 8
#define NM_HTML_MARKER_MAX 16
/* Tables in tables whose rows are joined; those of deeper ones are lines. */
#define NM_HTML_TABLES_MAX 16
/* A row of more cells than this, or of more octets, is not readable as one line: each cell has its own. */
#define NM_HTML_CELLS_MAX 32
#define NM_HTML_ROW_MAX 1000

/* White space of preformatted text is kept; of a longer run than this, further tabs become spaces. */
#define NM_HTML_BLANKS_MAX 32

struct nm_html_margin {
  char marker[NM_HTML_MARKER_MAX]; /* "> ", or what the first line of an item begins with */
  unsigned char n;
  unsigned char indent; /* of an item's further lines */
  unsigned char quote;
  unsigned char due; /* the marker has not been written yet */
};

struct nm_html_cell {
  int begun; /* has text */
  size_t begin, end;
};

struct nm_html_table {
  int headed; /* has th: its empty cells count */
  int joined; /* the last row with text is one line of several cells */
  int in_row, in_cell;
  int begun;     /* the row has text */
  size_t before; /* where the line ends before the row begin */
  size_t begin;  /* where its text begins */
  size_t breaks; /* line ends between the two */
  size_t n;      /* cells begun; above the maximum: the row is not joined */
  struct nm_html_cell cells[NM_HTML_CELLS_MAX];
};

/* Born as { .b = out }; b is empty. */
struct nm_html_out {
  struct nm_buf *b;
  size_t breaks; /* line ends due */
  int space;     /* a space is due */
  size_t blanks; /* white space of preformatted text that is due */
  char blank[NM_HTML_BLANKS_MAX];
  int cr;          /* the last character was a CR of preformatted text */
  uint32_t last;   /* character written last */
  uint32_t joiner; /* shows nothing by itself, due if it stands between letters */
  int unmarked;
  size_t mark;   /* where the first character since nm_html_out_mark stands */
  size_t common; /* margins that the last line has in common with all that came since */
  size_t margins_n, tables_n;
  struct nm_html_margin margins[NM_HTML_MARGINS_MAX];
  struct nm_html_table tables[NM_HTML_TABLES_MAX];
};

NM_HIDDEN_BEGIN

/* White space is collapsed unless pre; what shows nothing is dropped. */
void nm_html_out_char(struct nm_html_out *o, uint32_t cp, int pre);
/* Printable ASCII but space; not empty. */
void nm_html_out_run(struct nm_html_out *o, struct nm_str s);
/* The next text begins a line (1), or one with a blank line before it (2); 0: nothing. */
void nm_html_out_break(struct nm_html_out *o, size_t lines);
/* One more line end, but no more than a blank line. */
void nm_html_out_br(struct nm_html_out *o);
/* What is due becomes due before, not behind: writes "s" at the end of the last word. */
void nm_html_out_tail(struct nm_html_out *o, struct nm_str s);
/* From the next character on. */
void nm_html_out_mark(struct nm_html_out *o);
/* What was written since the mark. */
struct nm_str nm_html_out_marked(const struct nm_html_out *o);
/* Each returns whether it took it (else there is none to end). */
int nm_html_out_quote(struct nm_html_out *o);
int nm_html_out_item(struct nm_html_out *o, struct nm_str marker);
void nm_html_out_margin_end(struct nm_html_out *o);
/* Adds the last line end unless there is nothing. */
void nm_html_out_end(struct nm_html_out *o);

/* html_table.c: rows whose cells are one line each become one line. The begin functions return whether they took it. */
int nm_html_table_begin(struct nm_html_out *o);
void nm_html_table_end(struct nm_html_out *o);
int nm_html_row_begin(struct nm_html_out *o);
void nm_html_row_end(struct nm_html_out *o);
int nm_html_cell_begin(struct nm_html_out *o, int heading);
void nm_html_cell_end(struct nm_html_out *o);
/* Text begins at the end of b, with breaks line ends before it, the first of them at before. */
void nm_html_table_text(struct nm_html_out *o, size_t before, size_t breaks);
/* The margins at the beginning of a line of text. */
void nm_html_out_margins(struct nm_html_out *o);

NM_HIDDEN_END

#endif

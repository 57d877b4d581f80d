#include "mime/html_out.h"

/* A row is written as if each cell were a paragraph, and is put together when it has ended: only then is it known whether its cells
   are words side by side (a table of data, a menu), or columns of a layout, which are read one after the other. */

static struct nm_html_table *top(struct nm_html_out *o) {
  return &o->tables[o->tables_n - 1];
}

int nm_html_table_begin(struct nm_html_out *o) {
  if (o->tables_n == NM_HTML_TABLES_MAX) {
    return 0;
  }
  struct nm_html_table *t = &o->tables[o->tables_n++];
  t->headed = 0;
  t->joined = 0;
  t->in_row = 0;
  t->in_cell = 0;
  return 1;
}

void nm_html_table_end(struct nm_html_out *o) {
  o->tables_n--;
}

int nm_html_row_begin(struct nm_html_out *o) {
  if (o->tables_n == 0 || top(o)->in_row) {
    return 0;
  }
  struct nm_html_table *t = top(o);
  t->in_row = 1;
  t->in_cell = 0;
  t->begun = 0;
  t->n = 0;
  nm_html_out_break(o, 2);
  return 1;
}

int nm_html_cell_begin(struct nm_html_out *o, int heading) {
  if (o->tables_n == 0 || !top(o)->in_row || top(o)->in_cell) {
    return 0;
  }
  struct nm_html_table *t = top(o);
  nm_html_out_break(o, 2);
  t->headed = t->headed || heading;
  t->in_cell = 1;
  if (t->n < NM_HTML_CELLS_MAX) {
    t->cells[t->n] = (struct nm_html_cell){0};
  }
  t->n += t->n <= NM_HTML_CELLS_MAX;
  return 1;
}

/* The cell that text now belongs to; NULL: none, or one too many. */
static struct nm_html_cell *cell_of(struct nm_html_table *t) {
  return t->in_cell && t->n <= NM_HTML_CELLS_MAX ? &t->cells[t->n - 1] : NULL;
}

void nm_html_cell_end(struct nm_html_out *o) {
  struct nm_html_cell *cell = cell_of(top(o));
  if (cell != NULL && cell->begun) {
    cell->end = o->b->n;
  }
  top(o)->in_cell = 0;
}

/* Text that is in none of the row's cells would be lost if they were put together. */
static void begin_cell(struct nm_html_out *o, struct nm_html_table *t) {
  struct nm_html_cell *cell = cell_of(t);
  if (cell == NULL) {
    t->n = NM_HTML_CELLS_MAX + 1;
  } else if (!cell->begun) {
    cell->begun = 1;
    cell->begin = o->b->n;
  }
}

/* The rows and cells that have no text yet begin here: the innermost ones, up to the first that has. */
void nm_html_table_text(struct nm_html_out *o, size_t before, size_t breaks) {
  for (size_t i = o->tables_n; i > 0 && o->tables[i - 1].in_row; i--) {
    struct nm_html_table *t = &o->tables[i - 1];
    int was_begun = t->begun && (cell_of(t) == NULL || cell_of(t)->begun);
    begin_cell(o, t);
    if (was_begun) {
      return;
    }
    if (!t->begun) {
      t->begun = 1;
      t->before = before;
      t->begin = o->b->n;
      t->breaks = breaks;
    }
  }
}

/* How many cells have text, when each is one line and all together are no more than a line may be; else 0. */
static size_t cells_of_a_line(const struct nm_html_out *o, const struct nm_html_table *t) {
  size_t texts = 0, n = 0;
  if (t->n > NM_HTML_CELLS_MAX) {
    return 0;
  }
  for (size_t i = 0; i < t->n; i++) {
    const struct nm_html_cell *cell = &t->cells[i];
    if (cell->begun) {
      texts++;
      n += cell->end - cell->begin;
    }
    if (n > NM_HTML_ROW_MAX ||
        (cell->begun && memchr(o->b->p + cell->begin, '\n', cell->end - cell->begin) != NULL)) {
      return 0;
    }
  }
  return texts;
}

/* "a | b | c". Empty cells are what a layout makes room with, but in a table with headings they keep the columns apart. */
static void join(const struct nm_html_out *o, const struct nm_html_table *t, struct nm_buf *line) {
  size_t bars = 0;
  for (size_t i = 0; i < t->n; i++) {
    const struct nm_html_cell *cell = &t->cells[i];
    if (cell->begun) {
      for (; bars > 0; bars--) {
        nm_buf_add_c(line, line->n > 0 ? " |" : "|");
      }
      nm_buf_add_c(line, line->n > 0 ? " " : "");
      nm_buf_add(line, o->b->p + cell->begin, cell->end - cell->begin);
    }
    bars += cell->begun || t->headed;
  }
}

void nm_html_row_end(struct nm_html_out *o) {
  struct nm_html_table *t = top(o);
  struct nm_buf line = {.max = NM_HTML_ROW_MAX + 4 * NM_HTML_CELLS_MAX};
  t->in_row = 0;
  if (!t->begun || o->b->err != 0) {
    return;
  }
  if (cells_of_a_line(o, t) < 2) {
    t->joined = 0;
    return;
  }
  join(o, t, &line);
  if (t->joined && t->breaks == 2) { /* no blank line between two such rows */
    o->b->n = t->before;
    nm_buf_add_byte(o->b, '\n');
    nm_html_out_margins(o);
  } else {
    o->b->n = t->begin;
  }
  nm_buf_add_str(o->b, nm_buf_str(&line));
  o->b->err = o->b->err != 0 ? o->b->err : line.err;
  nm_buf_free(&line);
  t->joined = 1;
}

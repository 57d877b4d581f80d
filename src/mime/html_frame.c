#include "mime/html_frame.h"

#include <stdio.h>

size_t nm_html_frame_breaks(const struct nm_html_stack *s, const struct nm_html_element *element) {
  int inner = (element->id == NM_EL_UL || element->id == NM_EL_OL) && nm_html_stack_list(s) < s->n;
  return (element->flags & NM_EL_BLOCK) == 0 ? 0 : (element->flags & NM_EL_APART) != 0 && !inner ? 2 : 1;
}

/* "* ", or the number that is next in its list. */
static int begin_item(struct nm_html_out *out, struct nm_html_stack *s, const struct nm_html_attributes *a) {
  size_t i = nm_html_stack_list(s);
  if (i == s->n || s->open[i].element->id != NM_EL_OL) {
    return nm_html_out_item(out, NM_STR("* "));
  }
  struct nm_html_open *list = &s->open[i];
  char marker[NM_HTML_MARKER_MAX + 1];
  long number = nm_html_integer(a->value, list->number);
  list->number = number < 999999999 ? number + 1 : number;
  int n = snprintf(marker, sizeof marker, "%ld. ", number);
  return nm_html_out_item(out, nm_str(marker, (size_t)n));
}

int nm_html_frame_begin(struct nm_html_out *out, struct nm_html_stack *s, const struct nm_html_open *o,
                        const struct nm_html_attributes *a) {
  switch (o->element->id) {
    case NM_EL_BLOCKQUOTE:
      return nm_html_out_quote(out);
    case NM_EL_DD:
      return nm_html_out_item(out, NM_STR("    "));
    case NM_EL_LI:
      return begin_item(out, s, a);
    case NM_EL_TABLE:
      return nm_html_table_begin(out);
    case NM_EL_ROW:
      return nm_html_row_begin(out);
    case NM_EL_CELL:
      return nm_html_cell_begin(out, nm_str_ieq(o->name, NM_STR("th")));
    default:
      return 0;
  }
}

void nm_html_frame_end(struct nm_html_out *out, const struct nm_html_element *element) {
  switch (element->id) {
    case NM_EL_BLOCKQUOTE:
    case NM_EL_DD:
    case NM_EL_LI:
      nm_html_out_margin_end(out);
      break;
    case NM_EL_TABLE:
      nm_html_table_end(out);
      break;
    case NM_EL_ROW:
      nm_html_row_end(out);
      break;
    case NM_EL_CELL:
      nm_html_cell_end(out);
      break;
    default:
      break;
  }
}

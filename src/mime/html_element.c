#include "mime/html_element.h"

#include "base/chars.h"

#define BOX (NM_EL_BLOCK | NM_EL_SPECIAL)
#define BOX_APART (BOX | NM_EL_APART)

/* By name. html, head and body are not here: their tags are often missing, and change nothing. Nor is noscript, for scripts are
   off where mail is read. */
static const struct nm_html_element rows[] = {
    {"a", NM_EL_A, NM_EL_FORMAT},
    {"address", NM_EL_OTHER, BOX},
    {"applet", NM_EL_OTHER, NM_EL_SPECIAL | NM_EL_SCOPE},
    {"area", NM_EL_OTHER, NM_EL_VOID},
    {"article", NM_EL_OTHER, BOX},
    {"aside", NM_EL_OTHER, BOX},
    {"b", NM_EL_OTHER, NM_EL_FORMAT},
    {"base", NM_EL_OTHER, NM_EL_VOID},
    {"basefont", NM_EL_OTHER, NM_EL_VOID},
    {"bgsound", NM_EL_OTHER, NM_EL_VOID},
    {"big", NM_EL_OTHER, NM_EL_FORMAT},
    {"blockquote", NM_EL_BLOCKQUOTE, BOX_APART},
    {"br", NM_EL_BR, NM_EL_VOID},
    {"button", NM_EL_OTHER, NM_EL_SPECIAL | NM_EL_SCOPE},
    {"caption", NM_EL_ROWGROUP, BOX_APART | NM_EL_SCOPE},
    {"center", NM_EL_OTHER, BOX},
    {"code", NM_EL_OTHER, NM_EL_FORMAT},
    {"col", NM_EL_OTHER, NM_EL_VOID},
    {"datalist", NM_EL_OTHER, NM_EL_SPECIAL | NM_EL_DROP},
    {"dd", NM_EL_DD, BOX},
    {"details", NM_EL_OTHER, BOX},
    {"dialog", NM_EL_OTHER, BOX},
    {"dir", NM_EL_UL, BOX_APART},
    {"div", NM_EL_OTHER, BOX},
    {"dl", NM_EL_DL, BOX_APART},
    {"dt", NM_EL_DT, BOX},
    {"em", NM_EL_OTHER, NM_EL_FORMAT},
    {"embed", NM_EL_OTHER, NM_EL_VOID},
    {"fieldset", NM_EL_OTHER, BOX},
    {"figcaption", NM_EL_OTHER, BOX},
    {"figure", NM_EL_OTHER, BOX_APART},
    {"font", NM_EL_OTHER, NM_EL_FORMAT},
    {"footer", NM_EL_OTHER, BOX},
    {"form", NM_EL_OTHER, BOX},
    {"frame", NM_EL_OTHER, NM_EL_VOID},
    {"h1", NM_EL_HEADING, BOX_APART},
    {"h2", NM_EL_HEADING, BOX_APART},
    {"h3", NM_EL_HEADING, BOX_APART},
    {"h4", NM_EL_HEADING, BOX_APART},
    {"h5", NM_EL_HEADING, BOX_APART},
    {"h6", NM_EL_HEADING, BOX_APART},
    {"header", NM_EL_OTHER, BOX},
    {"hgroup", NM_EL_OTHER, BOX},
    {"hr", NM_EL_HR, NM_EL_VOID | BOX_APART},
    {"i", NM_EL_OTHER, NM_EL_FORMAT},
    {"iframe", NM_EL_OTHER, NM_EL_SPECIAL | NM_EL_DROP},
    {"img", NM_EL_IMG, NM_EL_VOID},
    {"input", NM_EL_INPUT, NM_EL_VOID},
    {"keygen", NM_EL_OTHER, NM_EL_VOID},
    {"legend", NM_EL_OTHER, BOX},
    {"li", NM_EL_LI, BOX},
    {"link", NM_EL_OTHER, NM_EL_VOID},
    {"listing", NM_EL_PRE, BOX_APART},
    {"main", NM_EL_OTHER, BOX},
    {"marquee", NM_EL_OTHER, NM_EL_SPECIAL | NM_EL_SCOPE},
    {"menu", NM_EL_UL, BOX_APART},
    {"meta", NM_EL_OTHER, NM_EL_VOID},
    {"nav", NM_EL_OTHER, BOX},
    {"nobr", NM_EL_OTHER, NM_EL_FORMAT},
    {"noembed", NM_EL_OTHER, NM_EL_SPECIAL | NM_EL_DROP},
    {"noframes", NM_EL_OTHER, NM_EL_SPECIAL | NM_EL_DROP},
    {"object", NM_EL_OTHER, NM_EL_SPECIAL | NM_EL_SCOPE},
    {"ol", NM_EL_OL, BOX_APART},
    {"p", NM_EL_P, BOX_APART},
    {"param", NM_EL_OTHER, NM_EL_VOID},
    {"plaintext", NM_EL_PRE, BOX_APART},
    {"pre", NM_EL_PRE, BOX_APART},
    {"q", NM_EL_Q, 0},
    {"s", NM_EL_OTHER, NM_EL_FORMAT},
    {"script", NM_EL_OTHER, NM_EL_SPECIAL | NM_EL_DROP},
    {"search", NM_EL_OTHER, BOX},
    {"section", NM_EL_OTHER, BOX},
    {"select", NM_EL_OTHER, NM_EL_SPECIAL | NM_EL_DROP},
    {"small", NM_EL_OTHER, NM_EL_FORMAT},
    {"source", NM_EL_OTHER, NM_EL_VOID},
    {"strike", NM_EL_OTHER, NM_EL_FORMAT},
    {"strong", NM_EL_OTHER, NM_EL_FORMAT},
    {"style", NM_EL_OTHER, NM_EL_SPECIAL | NM_EL_DROP},
    {"summary", NM_EL_OTHER, BOX},
    {"svg", NM_EL_OTHER, NM_EL_SPECIAL | NM_EL_DROP},
    {"table", NM_EL_TABLE, BOX_APART | NM_EL_SCOPE},
    {"tbody", NM_EL_ROWGROUP, NM_EL_SPECIAL},
    {"td", NM_EL_CELL, NM_EL_SPECIAL | NM_EL_SCOPE},
    {"template", NM_EL_OTHER, NM_EL_SPECIAL | NM_EL_DROP},
    {"textarea", NM_EL_OTHER, NM_EL_SPECIAL | NM_EL_DROP},
    {"tfoot", NM_EL_ROWGROUP, NM_EL_SPECIAL},
    {"th", NM_EL_CELL, NM_EL_SPECIAL | NM_EL_SCOPE},
    {"thead", NM_EL_ROWGROUP, NM_EL_SPECIAL},
    {"title", NM_EL_OTHER, NM_EL_SPECIAL | NM_EL_DROP},
    {"tr", NM_EL_ROW, NM_EL_SPECIAL},
    {"track", NM_EL_OTHER, NM_EL_VOID},
    {"tt", NM_EL_OTHER, NM_EL_FORMAT},
    {"u", NM_EL_OTHER, NM_EL_FORMAT},
    {"ul", NM_EL_UL, BOX_APART},
    {"wbr", NM_EL_OTHER, NM_EL_VOID},
    {"xmp", NM_EL_PRE, BOX_APART},
};

static int compare(struct nm_str name, const char *known) {
  for (size_t i = 0; i < name.n; i++) {
    int a = (unsigned char)nm_lower(name.p[i]), b = (unsigned char)known[i];
    if (a != b || b == 0) {
      return b == 0 ? 1 : a - b;
    }
  }
  return known[name.n] == 0 ? 0 : -1;
}

const struct nm_html_element *nm_html_element(struct nm_str name) {
  static const struct nm_html_element other = {"", NM_EL_OTHER, 0};
  size_t low = 0, high = name.n < sizeof rows[0].name ? sizeof rows / sizeof rows[0] : 0;
  while (low < high) {
    size_t mid = low + (high - low) / 2;
    int order = compare(name, rows[mid].name);
    if (order == 0) {
      return &rows[mid];
    }
    if (order < 0) {
      high = mid;
    } else {
      low = mid + 1;
    }
  }
  return &other;
}

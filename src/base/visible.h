#ifndef NM_BASE_VISIBLE_H
#define NM_BASE_VISIBLE_H

#include <stdint.h>
#include "base/hidden.h"

/* Characters beyond ASCII that make an address look like another one. */

NM_HIDDEN_BEGIN

/* Shows nothing, or turns around what others show: C1 controls, spaces, soft hyphen, joiners, marks and overrides of
   direction, fillers, variation selectors, tags, noncharacters. */
int nm_is_invisible(uint32_t cp);
/* The full-width, small or vertical form of an ASCII character: some programs read it as that character. */
int nm_is_ascii_form(uint32_t cp);

NM_HIDDEN_END

#endif

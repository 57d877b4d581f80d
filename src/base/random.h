#ifndef NM_BASE_RANDOM_H
#define NM_BASE_RANDOM_H

#include <stddef.h>
#include "base/hidden.h"

NM_HIDDEN_BEGIN

/* n bytes from the system's random source; NM_EIO where there is none (never a weaker one instead). */
int nm_random(void *p, size_t n);

NM_HIDDEN_END

#endif

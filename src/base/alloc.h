#ifndef NM_BASE_ALLOC_H
#define NM_BASE_ALLOC_H

#include <stddef.h>
#include "base/hidden.h"

/* All memory of the core comes from here, so that a test can make the n-th allocation fail
   (built with -DNM_TEST_ALLOC; in the shipped library there is no mutable global). */

NM_HIDDEN_BEGIN

/* NULL when memory is short or n is 0. */
void *nm_alloc(size_t n);
void *nm_zalloc(size_t n);
/* As realloc: the old block stays when it fails. n == 0 is refused. */
void *nm_realloc(void *p, size_t n);
/* n * size, NULL on overflow. */
void *nm_realloc_array(void *p, size_t n, size_t size);
void nm_free(void *p);
/* Overwrites n bytes; the compiler does not remove it. */
void nm_wipe(void *p, size_t n);

#ifdef NM_TEST_ALLOC
/* The n-th allocation from now fails (1 = the next), then all go through again; 0 switches it off. */
void nm_test_alloc_fail_at(long n);
/* Blocks alive now: a test that ends with another number than it began with has a leak. */
long nm_test_alloc_live(void);
/* Octets in them. */
long nm_test_alloc_octets(void);
#endif

NM_HIDDEN_END

#endif

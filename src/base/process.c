#include "base/process.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"

struct nm_process {
  unsigned refs; /* beside the page, since a child counts on */
  pid_t *id;     /* alone on its page; 0: yet to be asked */
  size_t size;
};

#ifdef MADV_WIPEONFORK
/* Linux 4.14. An emulator that does nothing and calls it done takes advice that there is none of, too. */
static int is_wiped_on_fork(void *page, size_t size) {
  return madvise(page, size, -1) != 0 && madvise(page, size, MADV_WIPEONFORK) == 0;
}

static void *page_new(size_t size) {
  void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) {
    return NULL;
  }
  if (!is_wiped_on_fork(page, size)) {
    (void)munmap(page, size);
    return NULL;
  }
  return page;
}
#else
static void *page_new(size_t size) {
  (void)size;
  return NULL;
}
#endif

struct nm_process *nm_process_new(void) {
  struct nm_process *p = nm_zalloc(sizeof *p);
  if (p == NULL) {
    return NULL;
  }
  long size = sysconf(_SC_PAGESIZE);
  p->refs = 1;
  p->size = size > 0 ? (size_t)size : 4096;
  p->id = page_new(p->size);
  if (p->id == NULL) {
    nm_free(p);
    return NULL;
  }
  return p;
}

struct nm_process *nm_process_ref(struct nm_process *p) {
  if (p != NULL) {
    p->refs++;
  }
  return p;
}

void nm_process_unref(struct nm_process **at) {
  struct nm_process *p = *at;
  *at = NULL;
  if (p != NULL && --p->refs == 0) {
    (void)munmap(p->id, p->size);
    nm_free(p);
  }
}

pid_t nm_process_id(const struct nm_process *p) {
  if (p == NULL) {
    return getpid();
  }
  if (*p->id == 0) {
    *p->id = getpid();
  }
  return *p->id;
}

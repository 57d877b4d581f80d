#include "base/addr_draft.h"
#include "base/alloc.h"

/* Lists of mailboxes and groups. What is plain is read at once, all else production by production. */

static int mailbox(struct nm_addr_scan *s, struct nm_list *list) {
  struct nm_addr_draft d;
  int err = nm_addr_mailbox(s, &d);
  if (err != 0) {
    return err;
  }
  d.parts.name = nm_str(d.name.p, d.name.n);
  return nm_addr_new_item(list, &d.parts, s->e);
}

/* group = display-name ":" [group-list] ";" [CFWS]   (RFC 5322 3.4)
   Up to the first member. The name is read and left out: recipients are what a list of ours is. */
static int group(struct nm_addr_scan *s) {
  struct nm_addr_draft d;
  nm_addr_draft_begin(&d);
  if (s->start == s->end) {
    return nm_addr_fail(s, NM_EINVAL, "no name stands before the \":\" of a group; write one or take it out");
  }
  int err = nm_addr_phrase(s, &d);
  return err != 0 ? err : nm_addr_scan_group(s);
}

/* An element that is plain: 1, and s->end is its end. */
static int plain(struct nm_addr_scan *s, struct nm_list *list) {
  struct nm_addr_parts parts;
  size_t end = s->is_in_group || s->is_lenient ? 0 : nm_addr_plain(s->text, s->at, &parts);
  if (end == 0) {
    return 0;
  }
  s->end = end;
  int err = nm_addr_new_item(list, &parts, s->e);
  return err != 0 ? err : 1;
}

/* Any other: 0 when it is over, 1 when a member of it follows. */
static int element(struct nm_addr_scan *s, struct nm_list *list, int *is_empty) {
  int rc = nm_addr_scan_element(s);
  if (rc < 0 || (rc == 0 && s->start == s->end)) {
    return rc;
  }
  *is_empty = 0;
  return rc == NM_ADDR_GROUP ? group(s) : mailbox(s, list);
}

/* mailbox-list = (mailbox *("," mailbox)) / obs-mbox-list
   address-list = (address *("," address)) / obs-addr-list
   group-list   = mailbox-list / CFWS / obs-group-list   (RFC 5322 3.4)
   obs-addr-list = *([CFWS] ",") address *("," [address / CFWS]), and the like   (RFC 5322 4.4) */
static int parse_list(struct nm_addr_scan *s, struct nm_list *list) {
  for (int is_empty = 1;;) {
    int rc = plain(s, list);
    if (rc > 0) {
      is_empty = 0;
    } else {
      rc = rc < 0 ? rc : element(s, list, &is_empty);
      if (rc > 0) {
        continue;
      }
    }
    rc = rc < 0 ? rc : nm_addr_scan_next(s);
    if (rc <= 0) {
      return rc == 0 && is_empty ? nm_addr_fail_empty(s) : rc;
    }
  }
}

/* All of them or none. */
static int append_list(struct nm_addr_scan *s, struct nm_list *list) {
  size_t before = list->n;
  int err = parse_list(s, list);
  while (err != 0 && list->n > before) {
    nm_list_remove(list, list->n - 1);
  }
  return err;
}

int nm_addr_parse_list(struct nm_str text, struct nm_list *list, struct nm_error *e) {
  struct nm_addr_scan s;
  int err = nm_addr_scan_begin(&s, text, 1, e);
  return err != 0 ? err : append_list(&s, list);
}

int nm_addr_parse_list_lenient(struct nm_str text, struct nm_list *list, struct nm_error *e) {
  struct nm_addr_scan s;
  char *tidy = NULL;
  int err = nm_addr_scan_lenient(&s, text, 1, &tidy, e);
  err = err != 0 ? err : append_list(&s, list);
  nm_free(tidy);
  return err;
}

#ifndef NM_MIME_FIELD_RULE_H
#define NM_MIME_FIELD_RULE_H

#include "base/hidden.h"
#include "base/str.h"

/* What may stand in a field. */
enum nm_field_kind {
  NM_FIELD_TEXT,      /* unstructured, or of a grammar that we do not know */
  NM_FIELD_MSGIDS,    /* 1*msg-id */
  NM_FIELD_PHRASES,   /* phrase *("," phrase) */
  NM_FIELD_URLS,      /* List-…: <url>, <url> */
  NM_FIELD_POST,      /* List-Post: the same, or NO */
  NM_FIELD_LIST_ID,   /* [phrase] <list-id> */
  NM_FIELD_AUTO,      /* Auto-Submitted */
  NM_FIELD_ONE_CLICK, /* List-Unsubscribe-Post */
  NM_FIELD_TLS_REQUIRED,
  NM_FIELD_OWNED, /* made from a property of the message: in the list of fields only when it was read and cannot be it */
  NM_FIELD_OWNED_TEXT /* the same, unstructured */
};

/* What is known of a field by its name. */
struct nm_field_rule {
  const char *name; /* one that ends in "-" stands for all that begin so */
  enum nm_field_kind kind;
  int single;          /* may stand only once */
  const char *instead; /* owned: the second half of a sentence that says what to do */
};

NM_HIDDEN_BEGIN

/* Made from a property: the caller cannot set it. */
int nm_field_rule_is_owned(const struct nm_field_rule *rule);
/* Unstructured: encoded words may stand anywhere in it (RFC 2047 5(1)). */
int nm_field_rule_is_text(const struct nm_field_rule *rule);
/* Never NULL: a name that nobody knows is TEXT and may stand any number of times. */
const struct nm_field_rule *nm_field_rule(struct nm_str name);

NM_HIDDEN_END

#endif

#ifndef NM_MIME_FIELD_H
#define NM_MIME_FIELD_H

#include "base/buf.h"
#include "base/error.h"
#include "base/hidden.h"
#include "base/str.h"
#include "mime/field_rule.h"

/* Octets of a field's name, so that a word of its value fits on its line. */
#define NM_FIELD_NAME_MAX 70
/* Octets of one value: far more than any server takes, and little enough to be folded in memory. */
#define NM_FIELD_VALUE_MAX 65536

/* A header field (RFC 5322 2.2): its name as the caller wrote it, its value checked once and in its canonical form, in UTF-8,
   without folds and encoded words. Immutable, counted. */
struct nm_field {
  unsigned refs;
  struct nm_str name; /* followed by a NUL */
  struct nm_str value;
  const struct nm_field_rule *rule;
  /* What another mailer wrote behind the colon, with its folds: written again as it is. p NULL: value is. */
  struct nm_str raw;
  int is_read; /* by mime/field_read.h: of any name, also one that a property stands for */
};

NM_HIDDEN_BEGIN

/* name is one that the caller may set: NM_EINVAL for no name at all, and for one that is made from a property (the sentence
   says which). */
int nm_field_check_name(struct nm_str name, struct nm_error *e);
int nm_field_new(struct nm_str name, struct nm_str value, struct nm_field **out, struct nm_error *e);
/* One that was read (mime/field_read.h): nothing is checked but memory, NULL then. is_text: the value is not of the grammar of its
   name, and written as any text. */
struct nm_field *nm_field_keep(struct nm_str name, struct nm_str raw, struct nm_str value, int is_text);
struct nm_field *nm_field_ref(struct nm_field *f);
void nm_field_unref(struct nm_field **f);
/* The whole field with its CRLF, folded only where its grammar allows. charset: for what is not ASCII; what it lacks goes in UTF-8
   (nobody chose the charset for this field). */
int nm_field_write(struct nm_buf *b, const struct nm_field *f, struct nm_str charset, struct nm_error *e);

NM_HIDDEN_END

#endif

#ifndef NM_MIME_PARSE_STATE_H
#define NM_MIME_PARSE_STATE_H

#include "mime/entity.h"
#include "mime/parse.h"

/* What is left for a message and all that is in it. */
struct nm_parse_budget {
  size_t entities;
  size_t
      within; /* octets of messages that are looked at as such: each is written again, to see whether it is the same */
  size_t text; /* octets of UTF-8 */
};

/* What the files of the parser share. */
struct nm_parse {
  struct nm_message *m;
  struct nm_entities entities;
  unsigned depth; /* levels around this message */
  struct nm_parse_budget *budget;
  struct nm_error *e;
};

/* The first is the message itself. */
static inline const struct nm_entity *nm_parse_entity(const struct nm_parse *p, size_t i) {
  return &p->entities.items[i];
}

NM_HIDDEN_BEGIN

/* A message within another one. As nm_message_parse. */
int nm_parse_message(struct nm_str bytes, unsigned depth, struct nm_parse_budget *budget,
                     struct nm_message **out, struct nm_error *e);

/* parse_head.c: the fields that are of the message and not of its body (Content-…). */
int nm_parse_head(struct nm_parse *p, struct nm_str head);
/* parse_mailbox.c: appends the mailboxes of a field's value. 0, NM_ENOMEM, or NM_EINVAL for what cannot be read. */
int nm_parse_mailboxes(struct nm_str value, struct nm_list *list);
/* The same, and of a list that cannot be read those that can, in order; a ";" where a "," should be is one. NM_EINVAL when there is
   none. */
int nm_parse_good_mailboxes(struct nm_str value, struct nm_list *list);

/* parse_body.c: the whole body. */
int nm_parse_body(struct nm_parse *p);

/* parse_entity.c: what an entity says of itself. The value of a field of its header; p NULL: there is none. */
struct nm_str nm_entity_field(const struct nm_entity *entity, struct nm_str name);
/* Content-Type, Content-Transfer-Encoding, or MIME-Version, which does not belong there. */
int nm_entity_is_type_field(struct nm_str name);
/* It has a file name, or a Content-Disposition other than inline. NM_ENOMEM. */
int nm_entity_is_attached(const struct nm_entity *entity);
/* What is in its own header, but for its type, and for fields that say nothing: is_root: only Content-… are its own. */
int nm_entity_is_plain(const struct nm_entity *entity, int is_root);
/* Its type becomes that of part. NM_EINVAL, NM_ELIMIT when it cannot; NM_ENOMEM. */
int nm_parse_type(struct nm_part *part, const struct nm_entity *entity);
/* All else of its header. */
int nm_parse_fields(struct nm_parse *p, const struct nm_entity *entity, struct nm_part *part);

/* parse_text.c: the octets of a leaf, decoded. An encoding that nobody knows: as they are, and *cte is -1. */
int nm_parse_octets(struct nm_parse *p, const struct nm_entity *entity, struct nm_content **out, int *cte);
/* The encoding in which octets came is the one to write part in, where that is not the one we would choose, and can be. What is
   not looked_at goes in base64 (mime/leaf.c). */
int nm_parse_wish(struct nm_parse *p, struct nm_part *part, struct nm_content *octets, int text,
                  int looked_at, int cte);
/* The UTF-8 of a leaf of text; NM_EINVAL when its octets are no text in its charset. */
int nm_parse_text(struct nm_parse *p, size_t entity, struct nm_content **out);
/* A leaf of text as TEXT, in the charset it says. NM_EINVAL when it would not come out with its octets again. */
int nm_parse_text_part(struct nm_parse *p, size_t entity, struct nm_part **out);

/* parse_part.c: an entity as a part of its own. */
int nm_parse_part(struct nm_parse *p, size_t entity, struct nm_part **out);
/* The same, at the end of list. */
int nm_parse_part_into(struct nm_parse *p, size_t entity, struct nm_list *list);

/* parse_embedded.c: message/rfc822 and message/external-body. *out NULL: it stays a leaf with its octets. */
int nm_parse_embedded(struct nm_parse *p, const struct nm_entity *entity, struct nm_part **out);
int nm_parse_external(struct nm_parse *p, const struct nm_entity *entity, struct nm_part **out);

NM_HIDDEN_END

#endif

#include "outgoing.h"

#include "base/alloc.h"
#include "mime/eai.h"
#include "mime/pieces.h"

/* Renders the message for a way that takes what is allowed. */
static int take_content(struct nm_outgoing *o, const struct nm_message *m, unsigned allowed,
                        struct nm_error *e) {
  static const enum nm_body bodies[] = {
      [NM_CTE_8BIT] = NM_BODY_8BITMIME, [NM_CTE_BINARY] = NM_BODY_BINARYMIME};
  nm_source_free(&o->content);
  o->now.stamp.allowed = o->allowed = allowed;
  int err = nm_message_render_into(m, &o->now.stamp, &o->spare, &o->content, e);
  if (err == 0) {
    o->env.body = bodies[nm_pieces_cte(o->content)];
    o->env.size = nm_source_size(o->content);
  }
  return err;
}

/* A send is a snapshot, and functions are called while it runs: what may have to be rendered again is a copy. */
static int keep_message(struct nm_outgoing *o, const struct nm_message *m, struct nm_error *e) {
  if (o->env.body == NM_BODY_7BIT || m->raw != NULL) {
    return 0;
  }
  return nm_message_copy(m, &o->kept) == 0 ? 0 : nm_error_nomem(e);
}

/* Only few have an error's room. */
static void take_utf8(struct nm_outgoing *o, const struct nm_message *m) {
  struct nm_error why;
  o->env.is_utf8 = nm_message_check_header(m, &why) != 0;
  o->utf8 = o->env.is_utf8 ? nm_zalloc(sizeof *o->utf8) : NULL;
  if (o->utf8 != NULL) {
    *o->utf8 = why;
  }
}

int nm_outgoing_take(struct nm_outgoing *o, const struct nm_client *c, const struct nm_message *m,
                     struct nm_error *e) {
  int err = nm_addressing_take(&o->who, m, o->options, e);
  if (err == 0) {
    nm_addressing_write(&o->who, &o->env);
  }
  err = err == 0 ? nm_now_take(&o->now, m, e) : err;
  err = err == 0 ? take_content(o, m, NM_ALLOW_8BIT | NM_ALLOW_BINARY, e) : err;
  err = err == 0 ? keep_message(o, m, e) : err;
  if (err != 0) {
    return err;
  }
  take_utf8(o, m);
  o->env.all_or_nothing = c->all_or_nothing;
  if (o->options != NULL && o->options->all_or_nothing >= 0) {
    o->env.all_or_nothing = o->options->all_or_nothing;
  }
  return 0;
}

/* Parts that the author wants in 8bit or binary, for a server without 8BITMIME or BINARYMIME. */
int nm_outgoing_narrow(struct nm_outgoing *o, const struct nm_caps *caps, struct nm_error *e) {
  if (o->kept == NULL || o->env.body == NM_BODY_7BIT) {
    return 0;
  }
  int binary = (caps->flags & NM_CAP_BINARYMIME) != 0 && (caps->flags & NM_CAP_CHUNKING) != 0 &&
               o->env.chunking != NM_CHUNKING_OFF;
  unsigned allowed =
      ((caps->flags & NM_CAP_8BITMIME) != 0 ? NM_ALLOW_8BIT : 0) | (binary ? NM_ALLOW_BINARY : 0);
  if ((o->allowed & ~allowed) == 0) {
    return 0;
  }
  int err = take_content(o, o->kept, allowed, e);
  nm_message_unref(&o->kept);
  return err == 0 ? 1 : err;
}

void nm_outgoing_explain(const struct nm_outgoing *o, const struct nm_caps *caps, const char *place,
                         struct nm_error *e) {
  if (o->utf8 != NULL && (caps->flags & NM_CAP_SMTPUTF8) == 0) {
    nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "%s (server %s does not offer SMTPUTF8)", o->utf8->text,
                 place);
  }
}

void nm_outgoing_reset(struct nm_outgoing *o) {
  nm_pieces_recycle(&o->content, &o->spare);
  nm_message_unref(&o->kept);
  nm_addressing_reset(&o->who);
  nm_send_options_unref(&o->options);
  nm_now_reset(&o->now);
  nm_free(o->utf8);
  o->utf8 = NULL;
  o->env = (struct nm_envelope){0};
  o->allowed = 0;
}

void nm_outgoing_free(struct nm_outgoing *o) {
  nm_outgoing_reset(o);
  nm_pieces_free(&o->spare);
  nm_addressing_free(&o->who);
  nm_now_free(&o->now);
  *o = (struct nm_outgoing){0};
}

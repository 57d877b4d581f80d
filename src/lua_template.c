/// One message for many people, each of whom gets his own.
// @module netmail

#include "lua_template.h"

#include "lua_drive.h"
#include "lua_headers.h"
#include "lua_message.h"
#include "lua_message_fields.h"
#include "lua_message_head.h"
#include "mime/template.h"
#include "now.h"

/* ---- the personal mail ---- */

static int put_headers(lua_State *L, void *object, int i, struct nm_error *e) {
  return nm_merge_headers(L, ((struct nm_message *)object)->fields, i, e);
}

static const struct nm_property personal_properties[] = {
    NM_MESSAGE_HEAD(NM_MESSAGE_PROPERTY){"Headers", nm_message_get_headers, put_headers},
    NM_MESSAGE_FIELDS(NM_MESSAGE_PROPERTY){NULL, NULL, NULL},
};

static void unref_personal(void *object) {
  struct nm_message *m = object;
  nm_message_unref(&m);
}

static int to_string(lua_State *L, const char *class, const struct nm_message *m) {
  lua_pushfstring(L, "%s (\"", class);
  nm_push_str(L, nm_buf_str(&m->subject));
  lua_pushfstring(L, "\", %d recipients)", (int)(m->to->n + m->cc->n + m->bcc->n));
  lua_concat(L, 3);
  return 1;
}

static int personal_to_string(lua_State *L, void *object) {
  return to_string(L, nm_personal_class.name, object);
}

static const luaL_Reg personal_methods[] = {{"ToString", nm_message_m_to_string},
                                            {"WriteTo", nm_message_m_write_to},
                                            {"Resend", nm_message_m_resend},
                                            {NULL, NULL}};

const struct nm_class nm_personal_class = {
    .name = "PersonalMail",
    .weight = 2048,
    .registry = "netmail.PersonalMail",
    .properties = personal_properties,
    .methods = personal_methods,
    .unref = unref_personal,
    .to_string = personal_to_string,
};

/* ---- the template ---- */

static void unref_template(void *object) {
  struct nm_template *t = object;
  nm_template_unref(&t);
}

static int template_to_string(lua_State *L, void *object) {
  return to_string(L, "MailTemplate", ((const struct nm_template *)object)->common);
}

static const struct nm_class template_class;

/* The mail of the template at 1 with the properties at 2, on the top of the stack; negative with e for bad content. */
static int make_personal(lua_State *L, const char *method, struct nm_error *e) {
  struct nm_given given;
  nm_class_self(L, &template_class, method);
  if (lua_type(L, 2) != LUA_TTABLE) {
    return nm_type_error(L, 2, method, "table");
  }
  lua_settop(L, 2);
  nm_class_read_table(L, &nm_personal_class, 2, NULL, &given);
  nm_gc_pressure(L, nm_personal_class.weight + given.bytes);
  void **box = nm_class_new_box(L, &nm_personal_class);
  struct nm_template *t =
      nm_class_self(L, &template_class, method); /* behind all that allocates: see ToString */
  struct nm_message *m = NULL;
  if (nm_template_mail(t, &m) != 0) {
    return luaL_error(L, "out of memory");
  }
  *box = m;
  return nm_class_set_given(L, &given, m, e);
}

/// A mail of the template's: what the table says is its own (`From`, `Sender`, `ReplyTo`, `To`, `CC`, `Bcc`, `Subject`, `Priority`, `Headers`,
// `Date`, `MessageId`, `ListUnsubscribe` and the other header fields that a `MailMessage` has as properties), all else is the template's.
// Each field of `Headers` stands in place of the template's of that name; the template's others stay. Everything is checked as in a
// `MailMessage`; bad content raises.
//
// `Send`, `SendAsync`, `SendMany` take it like a `MailMessage`, and it has `ToString`, `WriteTo`, `Resend` and the properties named above, which
// may be read and set. Its body is the template's.
// @function MailTemplate:For
// @tparam table Fields
// @treturn PersonalMail
static int template_for(lua_State *L) {
  struct nm_error e;
  nm_error_clear(&e);
  return make_personal(L, "For", &e) < 0 ? nm_raise(L, &e) : 1;
}

/// As For, for addresses from strangers: bad content is returned, not raised.
// @function MailTemplate:TryFor
// @tparam table Fields
// @treturn[1] PersonalMail
// @treturn[2] nil
// @treturn[2] string what is wrong
// @treturn[2] table detail, `Kind` "message"
static int template_try_for(lua_State *L) {
  struct nm_error e = {0};
  return make_personal(L, "TryFor", &e) < 0 ? nm_push_failure(L, &e, NULL) : 1;
}

static const luaL_Reg template_methods[] = {
    {"For", template_for}, {"TryFor", template_try_for}, {NULL, NULL}};

static const struct nm_property no_properties[] = {{NULL, NULL, NULL}};

static const struct nm_class template_class = {
    .name = "MailTemplate",
    .registry = "netmail.MailTemplate",
    .properties = no_properties,
    .methods = template_methods,
    .unref = unref_template,
    .to_string = template_to_string,
};

/// The message as a template, for many mails that have the same body and most of their header in common: what is the same is written once.
// It is what the message is now; later changes do not reach it. Addresses and fields that the message has are those of each mail that does not
// name its own, but for `MessageId`, which each has for itself; so without `From` here, each mail has to name one.
//
// Files stay files: each send reads them, and fails when one has changed since (then make a new template). A content from a function or an
// open file cannot be in a template, nor can `Raw`; a message that was resent is refused, its mails can be resent.
// @function MailMessage:Template
// @treturn[1] MailTemplate
// @treturn[2] nil
// @treturn[2] string what is missing or cannot be read
// @treturn[2] table detail
int nm_message_m_template(lua_State *L) {
  nm_class_self(L, &nm_message_class, "Template");
  lua_settop(L, 1);
  void **box = nm_class_new_box(L, &template_class);
  const struct nm_message *m = nm_class_self(L, &nm_message_class, "Template"); /* as above */
  struct nm_error e = {0};
  struct nm_stamp stamp = {0};
  struct nm_template *t = NULL;
  int err = nm_now_stamp(&stamp, m, &e);
  err = err == 0 ? nm_template_make(m, &stamp, &t, &e) : err;
  if (err < 0) {
    return nm_push_failure(L, &e, NULL);
  }
  *box = t;
  nm_gc_pressure(L, nm_template_size(t));
  return 1;
}

void nm_open_template(lua_State *L) {
  nm_class_register(L, &template_class);
  nm_class_register(L, &nm_personal_class);
  nm_drive_method(L, &nm_personal_class, "ToString");
  nm_drive_method(L, &nm_personal_class, "WriteTo");
}

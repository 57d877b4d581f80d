/// The message.
// @module netmail

#include "lua_message.h"

#include "lua_addr.h"
#include "lua_drive.h"
#include "lua_part.h"
#include "lua_message_fields.h"
#include "lua_message_head.h"
#include "lua_producer.h"
#include "lua_template.h"

/* ---- properties ---- */

NM_MESSAGE_LIST(static int, attachments, attachments, nm_part_list_class)
NM_MESSAGE_LIST(static int, views, views, nm_part_list_class)
NM_MESSAGE_LIST(static int, linked, linked, nm_part_list_class)

static int push_charset(lua_State *L, const struct nm_buf *name) {
  nm_push_str(L, name->n > 0 ? nm_buf_str(name) : NM_STR("utf-8"));
  return 1;
}

static int get_subject_encoding(lua_State *L, void *object) {
  return push_charset(L, &((struct nm_message *)object)->subject_encoding);
}

static int set_subject_encoding(lua_State *L, void *object, int i, struct nm_error *e) {
  return nm_message_set_subject_encoding(object, nm_opt_string(L, i, "SubjectEncoding"), e);
}

static int get_body_encoding(lua_State *L, void *object) {
  return push_charset(L, &((struct nm_message *)object)->body_encoding);
}

static int set_body_encoding(lua_State *L, void *object, int i, struct nm_error *e) {
  return nm_message_set_body_encoding(object, nm_opt_string(L, i, "BodyEncoding"), e);
}

static int push_body(lua_State *L, const struct nm_content *c) {
  if (c == NULL) {
    lua_pushnil(L);
  } else {
    nm_push_str(L, nm_content_bytes(c));
  }
  return 1;
}

/* The string's own bytes, where they are worth it: see nm_producer_hold. */
static int set_either(lua_State *L, struct nm_message *m, enum nm_message_body which, int i, const char *what,
                      struct nm_error *e) {
  struct nm_held held;
  struct nm_str text = nm_opt_string(L, i, what);
  int is_held = text.n >= NM_LEND_MIN && nm_producer_hold(L, i, &held);
  return nm_message_hold_text(m, which, text, is_held ? &held : NULL, e);
}

static int get_text(lua_State *L, void *object) {
  return push_body(L, ((struct nm_message *)object)->text);
}

static int set_text(lua_State *L, void *object, int i, struct nm_error *e) {
  return set_either(L, object, NM_MESSAGE_TEXT, i, "Text", e);
}

static int get_html(lua_State *L, void *object) {
  return push_body(L, ((struct nm_message *)object)->html);
}

static int set_html(lua_State *L, void *object, int i, struct nm_error *e) {
  return set_either(L, object, NM_MESSAGE_HTML, i, "Html", e);
}

/* Fore's Body is never nothing: "" without one. */
static int get_body(lua_State *L, void *object) {
  const struct nm_message *m = object;
  const struct nm_content *c = m->is_body_html ? m->html : m->text;
  nm_push_str(L, c != NULL ? nm_content_bytes(c) : nm_str("", 0));
  return 1;
}

static int set_body(lua_State *L, void *object, int i, struct nm_error *e) {
  return set_either(L, object, NM_MESSAGE_BODY, i, "Body", e);
}

static int get_is_body_html(lua_State *L, void *object) {
  lua_pushboolean(L, ((struct nm_message *)object)->is_body_html);
  return 1;
}

static int set_is_body_html(lua_State *L, void *object, int i, struct nm_error *e) {
  (void)e;
  nm_message_set_is_body_html(object, nm_check_boolean(L, i, "IsBodyHtml"));
  return 0;
}

static int get_body_transfer_encoding(lua_State *L, void *object) {
  const struct nm_cte_wish *wish = &((struct nm_message *)object)->body_wish;
  if (wish->is_forced) {
    lua_pushstring(L, nm_cte_name(wish->forced));
  } else {
    lua_pushnil(L);
  }
  return 1;
}

static int set_body_transfer_encoding(lua_State *L, void *object, int i, struct nm_error *e) {
  return nm_message_set_body_transfer_encoding(object, nm_opt_string(L, i, "BodyTransferEncoding"), e);
}

static int get_calendar(lua_State *L, void *object) {
  return push_body(L, ((struct nm_message *)object)->calendar);
}

static int set_calendar(lua_State *L, void *object, int i, struct nm_error *e) {
  return nm_message_set_calendar(object, nm_opt_string(L, i, "Calendar"), e);
}

static int get_root(lua_State *L, void *object) {
  nm_class_push(L, &nm_part_class, ((struct nm_message *)object)->root);
  return 1;
}

static int set_root(lua_State *L, void *object, int i, struct nm_error *e) {
  (void)e;
  struct nm_message *m = object;
  struct nm_part *part = lua_isnil(L, i) ? NULL : nm_class_test(L, &nm_part_class, i);
  if (part == NULL && !lua_isnil(L, i)) {
    return nm_type_error(L, i, "RootPart", "Part");
  }
  struct nm_part *old = m->root;
  m->root = part != NULL ? nm_part_ref(part) : NULL;
  nm_part_unref(&old);
  return 0;
}

static int get_text_from_html(lua_State *L, void *object) {
  lua_pushboolean(L, ((struct nm_message *)object)->text_from_html);
  return 1;
}

static int set_text_from_html(lua_State *L, void *object, int i, struct nm_error *e) {
  (void)e;
  ((struct nm_message *)object)->text_from_html = nm_check_boolean(L, i, "TextFromHtml");
  return 0;
}

/* In the order in which the values of a table are set: IsBodyHtml before Body, Headers before what stands for one of them. */
static const struct nm_property message_properties[] = {
    NM_MESSAGE_HEAD(NM_MESSAGE_PROPERTY){"SubjectEncoding", get_subject_encoding, set_subject_encoding},
    {"BodyEncoding", get_body_encoding, set_body_encoding},
    {"IsBodyHtml", get_is_body_html, set_is_body_html},
    {"Body", get_body, set_body},
    {"Text", get_text, set_text},
    {"Html", get_html, set_html},
    {"TextFromHtml", get_text_from_html, set_text_from_html},
    {"BodyTransferEncoding", get_body_transfer_encoding, set_body_transfer_encoding},
    {"Calendar", get_calendar, set_calendar},
    {"AlternateViews", nm_message_get_views, nm_message_put_views},
    {"LinkedResources", nm_message_get_linked, nm_message_put_linked},
    {"RootPart", get_root, set_root},
    {"Headers", nm_message_get_headers, nm_message_put_headers},
    NM_MESSAGE_FIELDS(NM_MESSAGE_PROPERTY){"Attachments", nm_message_get_attachments,
                                           nm_message_put_attachments},
    {NULL, NULL, NULL},
};

/* ---- the class ---- */

static void unref_message(void *object) {
  struct nm_message *m = object;
  nm_message_unref(&m);
}

static int message_to_string(lua_State *L, void *object) {
  const struct nm_message *m = object;
  lua_pushliteral(L, "MailMessage (\"");
  nm_push_str(L, nm_buf_str(&m->subject));
  lua_pushfstring(L,
                  m->raw != NULL ? "\", %d recipients, sent as it is)" : "\", %d recipients, %d attachments)",
                  (int)(m->to->n + m->cc->n + m->bcc->n), (int)m->attachments->n);
  lua_concat(L, 3);
  return 1;
}

static const luaL_Reg message_methods[] = {{"ToString", nm_message_m_to_string},
                                           {"WriteTo", nm_message_m_write_to},
                                           {"EmbedImages", nm_message_m_embed_images},
                                           {"Resend", nm_message_m_resend},
                                           {"Raw", nm_message_m_raw},
                                           {"TryRaw", nm_message_m_try_raw},
                                           {"Split", nm_message_m_split},
                                           {"Template", nm_message_m_template},
                                           {NULL, NULL}};

const struct nm_class nm_message_class = {
    .name = "MailMessage",
    .weight = 1024,
    .registry = "netmail.MailMessage",
    .properties = message_properties,
    .methods = message_methods,
    .unref = unref_message,
    .to_string = message_to_string,
};

struct nm_message *nm_message_at(lua_State *L, int i) {
  const struct nm_class *c = nm_class_of(L, i);
  return c == &nm_message_class || c == &nm_personal_class ? nm_class_test(L, c, i) : NULL;
}

struct nm_message *nm_message_self(lua_State *L, const char *method) {
  struct nm_message *m = nm_message_at(L, 1);
  return m != NULL ? m : nm_class_self(L, &nm_message_class, method);
}

static struct nm_message *push_message(lua_State *L) {
  void **box = nm_class_new_box(L, &nm_message_class);
  struct nm_message *m = NULL;
  if (nm_message_new(&m) != 0) {
    luaL_error(L, "out of memory");
  }
  *box = m;
  return m;
}

/* Body is another word for one of the other two, so beside it that one would be lost. */
static void check_one_body(lua_State *L, const struct nm_given *g) {
  if (nm_given_value(g, set_body) == 0) {
    return;
  }
  int at = nm_given_value(g, set_is_body_html);
  int is_html = at > 0 && lua_toboolean(L, at);
  if (nm_given_value(g, is_html ? set_html : set_text) > 0) {
    luaL_error(L, "MailMessage: Body and %s are the same text; give one of them", is_html ? "Html" : "Text");
  }
}

/* Many in one text come to more than the text: the last thing, when m is pushed. */
static void announce_recipients(lua_State *L, const struct nm_message *m, size_t announced) {
  size_t bytes = (m->to->n + m->cc->n + m->bcc->n) * NM_ELEMENT_WEIGHT;
  if (bytes > announced) {
    nm_gc_pressure(L, bytes - announced);
  }
}

/* The message of the table at i on the top of the stack; negative with e for bad content. */
static int message_from_table(lua_State *L, int i, struct nm_error *e) {
  struct nm_given given = {.c = &nm_message_class};
  if (lua_type(L, i) == LUA_TTABLE) {
    nm_class_read_table(L, &nm_message_class, i, NULL, &given);
    check_one_body(L, &given);
  } else if (!lua_isnoneornil(L, i)) {
    return nm_type_error(L, i, "MailMessage", "table");
  }
  /* Values lie on the stack, nothing else was looked at: see nm_gc_announce. */
  size_t announced = nm_message_class.weight + given.bytes;
  nm_gc_pressure(L, announced);
  struct nm_message *m = push_message(L);
  int err = nm_class_set_given(L, &given, m, e);
  if (err >= 0) {
    announce_recipients(L, m, announced);
  }
  return err;
}

/// Makes a message from a table of its properties (or an empty one); bad content raises.
// @function MailMessage
// @tparam[opt] table Fields
// @treturn MailMessage
static int message_call(lua_State *L) {
  struct nm_error e;
  nm_error_clear(&e);
  lua_settop(L, 2);
  return message_from_table(L, 2, &e) < 0 ? nm_raise(L, &e) : 1;
}

/// As MailMessage{…}, for data from strangers: bad content is returned, not raised.
// A wrong type or an unknown property is a mistake of the program and still raises.
// @function MailMessage.TryNew
// @tparam table Fields
// @treturn[1] MailMessage
// @treturn[2] nil
// @treturn[2] string what is wrong
// @treturn[2] table detail, `Kind` "message"
static int message_try_new(lua_State *L) {
  struct nm_error e = {0};
  lua_settop(L, 1);
  return message_from_table(L, 1, &e) < 0 ? nm_push_failure(L, &e, NULL) : 1;
}

/// A message from one address to one address.
// @function MailMessage.CreateWithFromAndTo
// @param From_ MailAddress or string
// @param To_ MailAddress or string
// @treturn MailMessage
static int message_create(lua_State *L) {
  nm_gc_announce(L, &nm_message_class);
  lua_settop(L, 2);
  struct nm_message *m = push_message(L);
  struct nm_error e = {0};
  struct nm_addr *to = NULL;
  if (nm_to_addr(L, 1, "From_", &m->from, &e) < 0 || nm_to_addr(L, 2, "To_", &to, &e) < 0) {
    return nm_raise(L, &e);
  }
  int err = nm_list_add(m->to, to);
  nm_addr_unref(&to);
  return err != 0 ? luaL_error(L, "out of memory") : 1;
}

void nm_open_message(lua_State *L) {
  static const luaL_Reg functions[] = {{"CreateWithFromAndTo", message_create},
                                       {"TryNew", message_try_new},
                                       {"Parse", nm_message_parse_call},
                                       {"TryParse", nm_message_try_parse_call},
                                       {NULL, NULL}};
  nm_class_register(L, &nm_message_class);
  nm_drive_method(L, &nm_message_class, "ToString");
  nm_drive_method(L, &nm_message_class, "WriteTo");
  nm_open_message_fields(L);
  nm_open_template(L);
  nm_push_class_table(L, "MailMessage", functions, message_call);
}

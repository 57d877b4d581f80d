#include "mime/leaf.h"

#include "mime/mediatype.h"
#include "mime/raw.h"

/* RFC 2045 6.4: "If an entity is of type "multipart" the Content-Transfer-Encoding is not permitted to have any value other than
   "7bit", "8bit" or "binary"", and for "message" likewise. The newer message/global may have any (RFC 6532 3.7). */
static int is_composite(struct nm_str type) {
  return nm_str_istarts(type, NM_STR("multipart/")) ||
         (nm_str_istarts(type, NM_STR("message/")) && !nm_str_istarts(type, NM_STR("message/global")));
}

static int fail(int err, const struct nm_error *why, struct nm_error *e) {
  return err == NM_ENOMEM ? nm_error_nomem(e) : nm_error_set(e, err, NM_KIND_MESSAGE, "%s", why->text);
}

/* One content on its way. */
struct leaf {
  struct nm_node *node;
  struct nm_str type;
  struct nm_source *source; /* NULL: bytes */
  struct nm_str bytes;
  struct nm_scan scan;
  struct nm_error *e;
};

static int choose(struct leaf *l, int text) {
  if (l->source == NULL) {
    return nm_encoding_choose_bytes(l->bytes, text, &l->node->wish, &l->scan, &l->node->how, l->e);
  }
  int err = nm_encoding_choose(l->source, text, &l->node->wish, &l->scan, &l->node->how);
  return err != 0 ? fail(err, &l->source->error, l->e) : 0;
}

static void use_base64(struct leaf *l) {
  l->node->how = (struct nm_encoding){
      .cte = NM_CTE_BASE64, .size = nm_encoder_base64_size(l->node->raw_size), .line_end = 1};
}

/* The bytes are the author's, so their charset is only named where it can be seen, or the author said it. */
static int prepare_text_file(struct leaf *l) {
  struct nm_str said =
      l->node->part != NULL ? nm_params_get(&l->node->part->params, NM_STR("charset")) : nm_str("", 0);
  int err = choose(l, 0);
  if (said.n > 0) {
    l->node->charset = said;
  } else if (err == 0 && !l->scan.high && !l->scan.nul) {
    l->node->charset = NM_STR("us-ascii");
  } else if (err == 0 && !l->scan.not_utf8 && !l->scan.nul) {
    l->node->charset = NM_STR("utf-8");
  }
  return err;
}

/* 8bit where that may be, unless the author wants 7bit. "The use of a content-transfer-encoding of "8bit" or "binary" is explicitly
   prohibited for MIME entities of type "message/partial""   (RFC 2046 5.2.2). */
static struct nm_cte_wish wish_of_message(const struct leaf *l) {
  const struct nm_cte_wish *said = &l->node->wish;
  int only_7bit =
      (said->is_forced && said->forced == NM_CTE_7BIT) || nm_str_ieq(l->type, NM_STR("message/partial"));
  return (struct nm_cte_wish){
      .is_forced = 1, .forced = NM_CTE_8BIT, .allowed = only_7bit ? 0 : said->allowed};
}

/* Such a type comes from the author alone (no file name suggests one), who thereby allows what mail itself does with line
   ends, but no more than that. */
static int prepare_message(struct leaf *l) {
  struct nm_str name = l->node->name;
  struct nm_encoding *how = &l->node->how;
  l->node->wish = wish_of_message(l);
  int err = choose(l, 1);
  if (err != 0 || (how->cte == NM_CTE_8BIT && l->scan.high && l->scan.cr == 0)) {
    return err;
  }
  if (!nm_scan_is_7bit(&l->scan) || l->scan.cr > 0) {
    const char *advice =
        nm_str_istarts(l->type, NM_STR("multipart/"))
            ? "it can only go to a server with 8BITMIME, or with Raw"
            : "set its type to application/octet-stream, or read it with MailMessage.Parse and attach "
              "the message";
    return nm_error_set(
        l->e, NM_EINVAL, NM_KIND_MESSAGE,
        "the attachment \"%.*s\" cannot be sent as %.*s: it has 8-bit or NUL octets, a bare CR or "
        "a line over %d octets, and RFC 2045 allows no encoding for this type; %s",
        (int)name.n, name.p, (int)l->type.n, l->type.p, NM_SCAN_LINE_MAX, advice);
  }
  how->cte = NM_CTE_7BIT; /* "From " lines too */
  how->text = 1;
  how->size = (int64_t)(l->scan.bytes + l->scan.lf);
  how->line_end = nm_scan_line_end(&l->scan);
  how->as_is = l->scan.lf == 0;
  return 0;
}

/* Nobody has seen it yet, so only what fits any octets is sure to fit. */
static int prepare_fed(struct leaf *l) {
  const struct nm_cte_wish *wish = &l->node->wish;
  if (is_composite(l->type)) {
    return nm_error_set(
        l->e, NM_EINVAL, NM_KIND_MESSAGE,
        "the content of \"%.*s\" cannot be sent as %.*s from a function or an open file, because "
        "this type must be looked at first; give it as a string or a path",
        (int)l->node->name.n, l->node->name.p, (int)l->type.n, l->type.p);
  }
  if (wish->is_forced && wish->forced == NM_CTE_7BIT) {
    return nm_error_set(
        l->e, NM_EINVAL, NM_KIND_MESSAGE,
        "whether the content of \"%.*s\" is 7bit cannot be known before a function or an open file has "
        "given it; give it as a string or a path",
        (int)l->node->name.n, l->node->name.p);
  }
  use_base64(l);
  if (wish->is_forced && wish->forced == NM_CTE_QP && l->node->is_delimited) {
    l->node->how = (struct nm_encoding){.cte = NM_CTE_QP, .size = -1};
  }
  return 0;
}

/* In a multipart the CRLF before the delimiter is not the content's; elsewhere the message ends in one all the same, so a last
   line that has none must be hidden in base64. */
static int prepare_octets(struct leaf *l) {
  int may_choose = nm_media_type_is_text(l->type) || l->node->wish.is_forced;
  int err = 0;
  if (nm_content_feed(l->node->content) != NULL) {
    return prepare_fed(l);
  }
  if (is_composite(l->type)) {
    return prepare_message(l);
  }
  if (!may_choose) { /* a large file is read once, when it is sent */
    use_base64(l);
    return 0;
  }
  err = nm_media_type_is_text(l->type) ? prepare_text_file(l) : choose(l, 0);
  if (err == 0 && !l->node->is_delimited && !l->node->how.line_end && l->node->how.size != 0) {
    use_base64(l);
  }
  return err;
}

/* A message that goes as it is, within another. */
static int prepare_raw(struct nm_node *node, struct nm_error *e) {
  struct nm_error why = {0};
  int err = nm_raw_scan(node->content, &node->how, &node->raw_size, NULL, &why);
  if (err == 0 && node->how.cte == NM_CTE_8BIT && (node->wish.allowed & NM_ALLOW_8BIT) == 0) {
    return nm_error_set(
        e, NM_EINVAL, NM_KIND_MESSAGE,
        "a message within has 8-bit octets and is to go as it is (Raw), which needs a server with "
        "8BITMIME; read it with MailMessage.Parse and attach that message");
  }
  return err != 0 ? fail(err, &why, e) : 0;
}

static int prepare_leaf(struct nm_node *node, struct nm_error *e) {
  struct leaf l = {.node = node, .type = nm_node_type(node), .e = e};
  l.bytes = nm_content_bytes(node->content);
  if (l.bytes.p == NULL) {
    struct nm_error why = {0};
    int err = nm_content_open(node->content, &l.source, &why);
    if (err != 0) {
      return fail(err, &why, e);
    }
  }
  node->raw_size = l.source != NULL ? nm_source_size(l.source) : (int64_t)l.bytes.n;
  int err = node->kind == NM_PART_TEXT ? choose(&l, 1) : prepare_octets(&l);
  nm_source_free(&l.source);
  return err;
}

/* binary over 8bit over everything else. */
static enum nm_cte wider(enum nm_cte a, enum nm_cte b) {
  if (a == NM_CTE_BINARY || b == NM_CTE_BINARY) {
    return NM_CTE_BINARY;
  }
  return a == NM_CTE_8BIT || b == NM_CTE_8BIT ? NM_CTE_8BIT : NM_CTE_7BIT;
}

static int prepare(struct nm_node *node, unsigned allowed, struct nm_error *e);

/* RFC 2045 6.4: a composite has the widest of what is in it. */
static int prepare_children(struct nm_node *node, unsigned allowed, struct nm_error *e) {
  enum nm_cte cte = node->kind == NM_PART_MESSAGE && node->part->is_utf8 ? NM_CTE_8BIT : NM_CTE_7BIT;
  for (struct nm_node *child = node->child; child != NULL; child = child->next) {
    int err = prepare(child, allowed, e);
    if (err != 0) {
      return err;
    }
    cte = wider(cte, child->how.cte);
  }
  node->how = (struct nm_encoding){.cte = cte, .size = -1};
  return 0;
}

static int prepare(struct nm_node *node, unsigned allowed, struct nm_error *e) {
  if (node->kind == NM_PART_MULTIPART || node->kind == NM_PART_MESSAGE) {
    return prepare_children(node, allowed, e);
  }
  if (node->content == NULL) { /* no body at all, or one that is elsewhere */
    node->charset = node->kind == NM_PART_TEXT ? NM_STR("utf-8") : node->charset;
    node->how = (struct nm_encoding){.cte = NM_CTE_7BIT, .line_end = 1};
    return 0;
  }
  node->wish.allowed = allowed;
  return node->is_raw ? prepare_raw(node, e) : prepare_leaf(node, e);
}

int nm_leaf_prepare(struct nm_node *root, unsigned allowed, struct nm_error *e) {
  return prepare(root, allowed, e);
}

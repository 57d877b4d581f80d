/* gmime LIST: reads each message that LIST names (a path a line) with GMime, and prints what it makes of it: see
   spec/support/py/readers.py for the shape. One value in bencoding after another, in the order of the list. */
#include <gmime/gmime.h>
#include <stdio.h>
#include <string.h>

/* ---- bencoding ---- */

static void put_bytes(const char *p, size_t n) {
  printf("%zu:", n);
  fwrite(p, 1, n, stdout);
}

static void put(const char *s) {
  put_bytes(s, strlen(s));
}

/* A key and its value, unless there is none. Keys need no order: the reader of this takes any. */
static void put_pair(const char *key, const char *value) {
  if (value != NULL) {
    put(key);
    put(value);
  }
}

/* ---- header fields ---- */

enum kind { TEXT, ADDRESSES, IDS, DATE, SKIPPED };

static enum kind kind_of(const char *name) {
  static const char *const addresses[] = {"From", "Sender", "Reply-To", "To", "Cc", "Bcc", NULL};
  static const char *const ids[] = {"Message-ID", "In-Reply-To", "References", NULL};
  if (g_ascii_strncasecmp(name, "Content-", 8) == 0) {
    return SKIPPED;
  }
  if (g_ascii_strncasecmp(name, "Resent-", 7) == 0) {
    name += 7;
  }
  for (size_t i = 0; addresses[i] != NULL; i++) {
    if (g_ascii_strcasecmp(name, addresses[i]) == 0) {
      return ADDRESSES;
    }
  }
  for (size_t i = 0; ids[i] != NULL; i++) {
    if (g_ascii_strcasecmp(name, ids[i]) == 0) {
      return IDS;
    }
  }
  if (g_ascii_strcasecmp(name, "Disposition-Notification-To") == 0) {
    return ADDRESSES;
  }
  return g_ascii_strcasecmp(name, "Date") == 0 ? DATE : TEXT;
}

/* As it is on the wire: A-labels, unless its mailbox is beyond ASCII (RFC 6532), where there are none. */
static const char *wire_address(InternetAddressMailbox *a) {
  const char *address = internet_address_mailbox_get_addr(a);
  const char *at = address != NULL ? strrchr(address, '@') : NULL;
  for (const char *p = address; at != NULL && p < at; p++) {
    if ((unsigned char)*p >= 0x80) {
      return address;
    }
  }
  return internet_address_mailbox_get_idn_addr(a);
}

static void put_addresses(InternetAddressList *list) {
  for (int i = 0; list != NULL && i < internet_address_list_length(list); i++) {
    InternetAddress *a = internet_address_list_get_address(list, i);
    if (INTERNET_ADDRESS_IS_GROUP(a)) {
      put_addresses(internet_address_group_get_members(INTERNET_ADDRESS_GROUP(a)));
      continue;
    }
    const char *name = internet_address_get_name(a);
    const char *address = wire_address(INTERNET_ADDRESS_MAILBOX(a));
    printf("l");
    put(name != NULL ? name : "");
    put(address != NULL ? address : "");
    printf("e");
  }
}

static void put_ids(const char *raw) {
  GMimeReferences *ids = g_mime_references_parse(NULL, raw);
  for (int i = 0; i < g_mime_references_length(ids); i++) {
    put(g_mime_references_get_message_id(ids, i));
  }
  g_mime_references_free(ids);
}

static void put_date(const char *raw) {
  GDateTime *date = g_mime_utils_header_decode_date(raw);
  printf("i%lde", date != NULL ? (long)g_date_time_to_unix(date) : 0L);
  if (date != NULL) {
    g_date_time_unref(date);
  }
}

static void put_text(const char *raw) {
  char *unfolded = g_mime_utils_header_unfold(raw);
  char *text = g_mime_utils_header_decode_text(NULL, unfolded);
  put(text);
  g_free(text);
  g_free(unfolded);
}

static void put_field(GMimeHeader *header) {
  const char *name = g_mime_header_get_name(header), *raw = g_mime_header_get_raw_value(header);
  enum kind kind = kind_of(name);
  if (kind == SKIPPED) {
    return;
  }
  char *lower = g_ascii_strdown(name, -1);
  printf("l");
  put(lower);
  g_free(lower);
  if (kind == ADDRESSES) {
    InternetAddressList *list = internet_address_list_parse(NULL, raw);
    printf("l");
    put_addresses(list);
    printf("e");
    g_clear_object(&list);
  } else if (kind == IDS) {
    printf("l");
    put_ids(raw);
    printf("e");
  } else if (kind == DATE) {
    put_date(raw);
  } else {
    put_text(raw);
  }
  printf("e");
}

static void put_header(GMimeObject *object) {
  GMimeHeaderList *headers = g_mime_object_get_header_list(object);
  put("header");
  printf("l");
  for (int i = 0; i < g_mime_header_list_get_count(headers); i++) {
    put_field(g_mime_header_list_get_header_at(headers, i));
  }
  printf("e");
}

/* ---- the tree ---- */

static void put_content(GMimePart *part) {
  GMimeDataWrapper *wrapper = g_mime_part_get_content(part);
  GMimeStream *stream = g_mime_stream_mem_new();
  if (wrapper != NULL) {
    g_mime_data_wrapper_write_to_stream(wrapper, stream);
  }
  GByteArray *bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
  char *hash = g_compute_checksum_for_data(G_CHECKSUM_SHA256, bytes->data, bytes->len);
  put("size");
  printf("i%ue", bytes->len);
  put_pair("sha256", hash);
  g_free(hash);
  /* GMime gives text as a C string, which is not all of it where there is a NUL. */
  if (GMIME_IS_TEXT_PART(part) && (bytes->len == 0 || memchr(bytes->data, 0, bytes->len) == NULL)) {
    char *text = g_mime_text_part_get_text(GMIME_TEXT_PART(part));
    put_pair("text", text != NULL ? text : "");
    g_free(text);
  }
  g_object_unref(stream);
}

static void put_node(GMimeObject *object, int with_header);

static void put_parts(GMimeObject *object) {
  put("parts");
  printf("l");
  if (GMIME_IS_MESSAGE_PART(object)) {
    GMimeMessage *inner = g_mime_message_part_get_message(GMIME_MESSAGE_PART(object));
    if (inner != NULL) {
      put_node(GMIME_OBJECT(inner), 1);
    }
  } else {
    for (int i = 0; i < g_mime_multipart_get_count(GMIME_MULTIPART(object)); i++) {
      put_node(g_mime_multipart_get_part(GMIME_MULTIPART(object), i), 0);
    }
  }
  printf("e");
}

/* object: a part, or with_header a whole message. */
static void put_node(GMimeObject *object, int with_header) {
  printf("d");
  if (with_header) {
    put_header(object);
    object = g_mime_message_get_mime_part(GMIME_MESSAGE(object));
  }
  if (object == NULL) {
    printf("e");
    return;
  }
  char *type = g_mime_content_type_get_mime_type(g_mime_object_get_content_type(object));
  char *lower = g_ascii_strdown(type, -1);
  put_pair("type", lower);
  g_free(lower);
  g_free(type);
  put_pair("disposition", g_mime_object_get_disposition(object));
  put_pair("id", g_mime_object_get_content_id(object));
  put_pair("charset", g_mime_object_get_content_type_parameter(object, "charset"));
  if (GMIME_IS_MULTIPART(object) || GMIME_IS_MESSAGE_PART(object)) {
    put_pair("filename", g_mime_object_get_content_disposition_parameter(object, "filename"));
    put_parts(object);
  } else if (GMIME_IS_PART(object)) {
    put_pair("filename", g_mime_part_get_filename(GMIME_PART(object)));
    put_content(GMIME_PART(object));
  }
  printf("e");
}

static void put_message(const char *path) {
  GMimeStream *stream = g_mime_stream_file_open(path, "rb", NULL);
  GMimeMessage *message = NULL;
  if (stream != NULL) {
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    message = g_mime_parser_construct_message(parser, NULL);
    g_object_unref(parser);
    g_object_unref(stream);
  }
  printf("d");
  if (message != NULL) {
    put_header(GMIME_OBJECT(message));
    put("root");
    put_node(g_mime_message_get_mime_part(message), 0);
    g_object_unref(message);
  } else {
    put_pair("error", "no message");
  }
  printf("e");
}

int main(int argc, char **argv) {
  FILE *list = argc == 2 ? fopen(argv[1], "r") : NULL;
  if (list == NULL) {
    fprintf(stderr, "gmime LIST\n");
    return 2;
  }
  g_mime_init();
  char path[4096];
  while (fgets(path, sizeof path, list) != NULL) {
    path[strcspn(path, "\n")] = '\0';
    put_message(path);
  }
  fclose(list);
  g_mime_shutdown();
  return 0;
}

/* Messages built by GMime: see run.py. Bodies in base64, as netmail chooses for them; attachments from memory or from the file. */

#include "job.h"

#include <fcntl.h>
#include <gmime/gmime.h>

static GMimeObject *part(const char *type, const char *subtype, GMimeStream *stream) {
  GMimePart *p = g_mime_part_new_with_type(type, subtype);
  GMimeDataWrapper *content = g_mime_data_wrapper_new_with_stream(stream, GMIME_CONTENT_ENCODING_DEFAULT);
  g_mime_part_set_content(p, content);
  g_mime_part_set_content_encoding(p, GMIME_CONTENT_ENCODING_BASE64);
  g_object_unref(content);
  g_object_unref(stream);
  return (GMimeObject *)p;
}

static GMimeObject *text(const char *subtype, struct bytes b) {
  GMimeObject *p = part("text", subtype, g_mime_stream_mem_new_with_buffer(b.p, b.n));
  g_mime_object_set_content_type_parameter(p, "charset", "utf-8");
  return p;
}

static GMimeObject *attachment(GMimeStream *stream, const char *name) {
  GMimeObject *p = part("application", "octet-stream", stream);
  g_mime_part_set_filename((GMimePart *)p, name);
  return p;
}

static void add(GMimeMultipart *to, GMimeObject *child) {
  g_mime_multipart_add(to, child);
  g_object_unref(child);
}

static GMimeObject *body(const struct job *job) {
  if (job->kind == MAIL) {
    return text("plain", job->text);
  }
  GMimeMultipart *mixed = g_mime_multipart_new_with_subtype("mixed");
  if (job->kind == LARGE) {
    add(mixed, text("plain", job->text));
    add(mixed, attachment(g_mime_stream_fs_open(job->large, O_RDONLY, 0, NULL), "large.bin"));
    return (GMimeObject *)mixed;
  }
  GMimeMultipart *alternative = g_mime_multipart_new_with_subtype("alternative");
  add(alternative, text("plain", job->text));
  add(alternative, text("html", job->page));
  add(mixed, (GMimeObject *)alternative);
  for (int i = 0; i < ATTACHMENTS; i++) {
    add(mixed, attachment(g_mime_stream_mem_new_with_buffer(job->octets.p, job->octets.n), "octets.bin"));
  }
  return (GMimeObject *)mixed;
}

static int64_t build(const struct job *job) {
  GMimeMessage *m = g_mime_message_new(TRUE);
  g_mime_message_add_mailbox(m, GMIME_ADDRESS_TYPE_FROM, FROM_NAME, FROM_ADDRESS);
  g_mime_message_add_mailbox(m, GMIME_ADDRESS_TYPE_TO, TO_NAME, TO_ADDRESS);
  g_mime_message_set_subject(m, SUBJECT, "utf-8");
  GDateTime *date = g_date_time_new_now_local();
  g_mime_message_set_date(m, date);
  g_date_time_unref(date);
  char *id = g_mime_utils_generate_message_id("example.com");
  g_mime_message_set_message_id(m, id);
  g_free(id);
  GMimeObject *root = body(job);
  g_mime_message_set_mime_part(m, root);
  g_object_unref(root);
  GMimeFormatOptions *options = g_mime_format_options_new();
  g_mime_format_options_set_newline_format(options, GMIME_NEWLINE_FORMAT_DOS);
  GMimeStream *out = g_mime_stream_null_new();
  g_mime_object_write_to_stream((GMimeObject *)m, options, out);
  int64_t octets = (int64_t)((GMimeStreamNull *)out)->written;
  g_object_unref(out);
  g_mime_format_options_free(options);
  g_object_unref(m);
  return octets;
}

int main(int argc, char **argv) {
  struct job job = read_job(argc, argv);
  g_mime_init();
  return run_job(&job, build);
}

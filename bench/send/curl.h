#ifndef BENCH_SEND_CURL_H
#define BENCH_SEND_CURL_H

/* One of libcurl's handles with a mail to be sent: what its two programs share. */

#include "peer.h"

#include <curl/curl.h>

struct upload {
  CURL *handle;
  const struct job *job;
  size_t at; /* of the message has been read */
};

static inline size_t read_message(char *to, size_t size, size_t n, void *state) {
  struct upload *u = state;
  size_t left = u->job->size - u->at, take = size * n < left ? size * n : left;
  memcpy(to, u->job->message + u->at, take);
  u->at += take;
  return take;
}

static inline struct curl_slist *recipients_of(const struct job *job) {
  struct curl_slist *list = NULL;
  for (long i = 0; i < job->recipients; i++) {
    char address[64];
    snprintf(address, sizeof address, "<" RECIPIENT ">", i);
    list = curl_slist_append(list, address);
  }
  return list;
}

static inline curl_mime *message_with_file(CURL *handle) {
  curl_mime *mime = curl_mime_init(handle);
  curl_mimepart *text = curl_mime_addpart(mime), *file = curl_mime_addpart(mime);
  curl_mime_data(text, "See the file.\r\n", CURL_ZERO_TERMINATED);
  curl_mime_filedata(file, getenv("BENCH_FILE"));
  curl_mime_encoder(file, "base64");
  return mime;
}

static inline void set_content(struct upload *u) {
  if (u->job->file) {
    curl_easy_setopt(u->handle, CURLOPT_MIMEPOST, message_with_file(u->handle));
    struct curl_slist *fields = curl_slist_append(NULL, "From: Sender <" SENDER ">");
    fields = curl_slist_append(fields, "Subject: benchmark");
    curl_easy_setopt(u->handle, CURLOPT_HTTPHEADER, fields);
    return;
  }
  curl_easy_setopt(u->handle, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(u->handle, CURLOPT_READFUNCTION, read_message);
  curl_easy_setopt(u->handle, CURLOPT_READDATA, u);
  curl_easy_setopt(u->handle, CURLOPT_INFILESIZE_LARGE, (curl_off_t)u->job->size);
}

/* job and recipients are kept. */
static inline void prepare(struct upload *u, const struct job *job, struct curl_slist *recipients) {
  char url[256];
  *u = (struct upload){curl_easy_init(), job, 0};
  snprintf(url, sizeof url, "%s://%s:%s/client.example", job->tls ? "smtps" : "smtp", job->host, job->port);
  curl_easy_setopt(u->handle, CURLOPT_URL, url);
  curl_easy_setopt(u->handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(u->handle, CURLOPT_FORBID_REUSE, (long)job->new);
  curl_easy_setopt(u->handle, CURLOPT_PRIVATE, u);
  if (job->tls) {
    curl_easy_setopt(u->handle, CURLOPT_CAINFO, getenv("BENCH_CA"));
  }
  if (job->noop) {
    curl_easy_setopt(u->handle, CURLOPT_CUSTOMREQUEST, "NOOP");
    curl_easy_setopt(u->handle, CURLOPT_NOBODY, 1L);
    return;
  }
  curl_easy_setopt(u->handle, CURLOPT_MAIL_FROM, "<" SENDER ">");
  curl_easy_setopt(u->handle, CURLOPT_MAIL_RCPT, recipients);
  set_content(u);
}

#endif

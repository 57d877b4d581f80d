/* libcurl's multi interface, as many handles as connections, each with a mail while there are any: see peer.h. */

#include "curl.h"

static long started, done;

/* Gives the handle its next mail, if there is one. */
static void next_mail(CURLM *multi, struct upload *u) {
  if (started < u->job->mails) {
    u->at = 0;
    started++;
    curl_multi_add_handle(multi, u->handle);
  }
}

static void finish(CURLM *multi, const CURLMsg *message) {
  struct upload *u;
  if (message->data.result != CURLE_OK) {
    die(curl_easy_strerror(message->data.result));
  }
  curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&u);
  curl_multi_remove_handle(multi, u->handle);
  done++;
  next_mail(multi, u);
}

static void send_all(const struct job *job, CURLM *multi) {
  const CURLMsg *message;
  int running, left;
  while (done < job->mails) {
    long before = done;
    curl_multi_perform(multi, &running);
    while ((message = curl_multi_info_read(multi, &left)) != NULL) {
      finish(multi, message);
    }
    if (done == before) {
      curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
  }
}

int main(int argc, char **argv) {
  struct job job = read_job(argc, argv);
  struct upload *uploads = calloc((size_t)job.connections, sizeof *uploads);
  curl_global_init(CURL_GLOBAL_ALL);
  struct curl_slist *recipients = recipients_of(&job);
  struct clock clock = start_clock();
  CURLM *multi = curl_multi_init();
  if (uploads == NULL || multi == NULL) {
    die("out of memory");
  }
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, job.connections);
  for (long i = 0; i < job.connections; i++) {
    prepare(&uploads[i], &job, recipients);
    next_mail(multi, &uploads[i]);
  }
  send_all(&job, multi);
  for (long i = 0; i < job.connections; i++) {
    curl_easy_cleanup(uploads[i].handle);
  }
  curl_multi_cleanup(multi);
  stop_clock(&clock);
  free(uploads);
  return 0;
}

/* libcurl, one handle and one mail after another: see peer.h. */

#include "curl.h"

int main(int argc, char **argv) {
  struct job job = read_job(argc, argv);
  curl_global_init(CURL_GLOBAL_ALL);
  struct curl_slist *recipients = recipients_of(&job);
  struct clock clock = start_clock();
  struct upload u;
  prepare(&u, &job, recipients);
  for (long i = 0; i < job.mails; i++) {
    u.at = 0;
    CURLcode code = curl_easy_perform(u.handle);
    if (code != CURLE_OK) {
      die(curl_easy_strerror(code));
    }
    if (job.fresh) {
      curl_easy_cleanup(u.handle);
      prepare(&u, &job, recipients);
    }
  }
  curl_easy_cleanup(u.handle);
  stop_clock(&clock);
  return 0;
}

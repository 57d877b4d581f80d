#ifndef NM_MIME_HTML_IMAGES_H
#define NM_MIME_HTML_IMAGES_H

#include "base/buf.h"
#include "base/hidden.h"
#include "base/str.h"
#include "mime/html_scan.h"
#include "mime/html_style.h"

/* The places where HTML shows a picture, in their order: src of img and of input type=image, each URL of srcset of img and source,
   poster of video, background of body and of what tables are made of, url(...) in style attributes. Not those of style
   elements and of conditional comments (CSS and VML of their own, where a URL need not be a picture), nor links. One pass. */
struct nm_html_images {
  struct nm_html_scan scan; /* born as { .scan.in = html } */
  struct nm_html_token token;
  size_t at;            /* in the tag's attributes */
  unsigned seen;        /* the attributes it had already: only the first of a name counts */
  int is_button;        /* <input type=image> */
  struct nm_str srcset; /* what is left of it */
  struct nm_html_css css;
};

/* What a reference to a picture leads to. */
enum nm_html_image {
  NM_IMAGE_OTHER, /* anywhere else: http:, cid:, file:, //host, an absolute path, nothing */
  NM_IMAGE_FILE,  /* a relative path */
  NM_IMAGE_DATA   /* a data: URI */
};

NM_HIDDEN_BEGIN

/* The next one: the octets of html that name the picture, with character references. 0 when there is none left. */
int nm_html_images_next(struct nm_html_images *it, struct nm_str *out);
/* Appends to target what it leads to: the path (percent-decoded once, without query and fragment), or the URI. What is other leaves
   target as it is. */
enum nm_html_image nm_html_image_read(struct nm_str reference, struct nm_buf *target);

NM_HIDDEN_END

#endif

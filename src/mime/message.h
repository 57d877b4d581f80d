#ifndef NM_MIME_MESSAGE_H
#define NM_MIME_MESSAGE_H

#include <stdint.h>
#include "base/addr.h"
#include "base/block.h"
#include "base/buf.h"
#include "base/content.h"
#include "base/error.h"
#include "base/hidden.h"
#include "base/list.h"
#include "base/source.h"
#include "base/str.h"
#include "mime/date.h"
#include "mime/encoder.h"
#include "mime/fields.h"
#include "mime/part.h"
#include "mime/resent.h"

struct nm_pieces;
struct nm_template;

/* Fore's NetMailPriority. */
enum nm_priority { NM_PRIORITY_HIGH = 1, NM_PRIORITY_LOW = 2, NM_PRIORITY_NORMAL = 3 };

#define NM_SUBJECT_MAX 65536
/* A text or HTML body given as a string: what a mail may weigh anywhere, with room. */
#define NM_BODY_MAX ((size_t)1 << 30)

/* Body is one of the other two. */
enum nm_message_body { NM_MESSAGE_TEXT, NM_MESSAGE_HTML, NM_MESSAGE_BODY };

/* The message as its author sees it. Counted; plain fields are read directly and set through the functions. */
struct nm_message {
  unsigned refs;
  struct nm_addr *from;     /* NULL: none yet */
  struct nm_addr *sender;   /* NULL: none */
  struct nm_list *reply_to; /* never NULL, as are the other lists */
  struct nm_list *to;
  struct nm_list *cc;
  struct nm_list *bcc;            /* envelope only: never rendered */
  struct nm_list *notify;         /* Disposition-Notification-To */
  struct nm_list *fields;         /* struct nm_field: those that no other member stands for */
  struct nm_list *resent;         /* struct nm_resent, the oldest first */
  struct nm_list *attachments;    /* struct nm_part, as are the next two */
  struct nm_list *views;          /* other forms of the body: alternatives beside text and html */
  struct nm_list *linked;         /* what html shows */
  struct nm_buf subject;          /* UTF-8 */
  struct nm_buf subject_encoding; /* charset; empty: utf-8 */
  struct nm_buf body_encoding;
  struct nm_content *text; /* UTF-8; NULL: none */
  struct nm_content *html;
  /* The part that text or html was read from, when it says more than they do (format=flowed, an encoding or charset of its own):
     it is written as long as the text is not set anew. NULL: none. */
  struct nm_part *text_part;
  struct nm_part *html_part;
  int text_from_html;            /* without text, rendering makes one of html (mime/html_text.h) */
  int is_body_html;              /* which of the two Body means */
  struct nm_cte_wish body_wish;  /* how text and html are encoded */
  struct nm_content *calendar;   /* an iTIP object, UTF-8; NULL: none */
  struct nm_buf calendar_method; /* upper case */
  struct nm_part
      *root; /* the body nested by hand, in place of text, html, views, linked and calendar; NULL */
  struct nm_content *raw; /* the whole message as it is, in place of all but the envelope and resent; NULL */
  struct nm_buf raw_id;   /* the Message-ID that raw has; empty: none */
  struct nm_encoding raw_how; /* how it is written, where it is in memory and cannot change any more */
  /* Whose body it has, in place of all the above that is body; NULL: its own. Such a one stands in no part. */
  struct nm_template *template;
  enum nm_priority priority;
  struct nm_buf message_id; /* with <>; empty: made for each send */
  int has_date;             /* else the moment of each send */
  int64_t date;             /* seconds since 1970 UTC */
  int date_offset;          /* minutes east of UTC */
};

/* What differs from send to send. */
struct nm_stamp {
  int64_t date; /* seconds since 1970 UTC */
  int offset;   /* minutes east of UTC */
  char dated
      [NM_DATE_SIZE]; /* the two as they are written, for many messages of one second; all zero: not done yet */
  struct nm_str message_id;   /* with <> */
  int is_id_made;             /* by nm_message_id_write, which makes none that cannot stand in a header */
  unsigned char boundary[16]; /* random: 128 bits; boundaries of one message differ by a counter */
  unsigned boundaries; /* where that counter begins; 0 but for a message that will stand in another one */
  unsigned allowed;    /* NM_ALLOW_…: what the way to the server takes beyond 7bit */
};

NM_HIDDEN_BEGIN

int nm_message_new(struct nm_message **out);
/* What m is now; contents, parts and addresses by reference. NM_ENOMEM. */
int nm_message_copy(const struct nm_message *m, struct nm_message **out);
/* What it lies in with its lists: an address that is made for it may have what is left there (nm_addr_parse_in). */
struct nm_block *nm_message_room(const struct nm_message *m);
struct nm_message *nm_message_ref(struct nm_message *m);
void nm_message_unref(struct nm_message **m);
/* UTF-8 without CR, LF and NUL. */
int nm_message_set_subject(struct nm_message *m, struct nm_str subject, struct nm_error *e);
/* Known to iconv (nm_charset_check); empty: utf-8. */
int nm_message_set_subject_encoding(struct nm_message *m, struct nm_str charset, struct nm_error *e);
int nm_message_set_body_encoding(struct nm_message *m, struct nm_str charset, struct nm_error *e);
/* UTF-8 without NUL; line ends of any kind. A NULL p (nm_str(NULL, 0))
   takes the body away; "" is an empty body. */
int nm_message_set_text(struct nm_message *m, struct nm_str text, struct nm_error *e);
int nm_message_set_html(struct nm_message *m, struct nm_str html, struct nm_error *e);
/* The same, and the one of both that is_body_html names, of bytes that lie in what is held, as nm_content_held has it: not copied. held NULL: copied. */
int nm_message_hold_text(struct nm_message *m, enum nm_message_body which, struct nm_str text,
                         struct nm_held *held, struct nm_error *e);
/* "quoted-printable" and its like for Text and Html; empty: the best one. */
int nm_message_set_body_transfer_encoding(struct nm_message *m, struct nm_str name, struct nm_error *e);
/* A VCALENDAR object (RFC 5545) with one METHOD (RFC 5546 1.4): goes as the last alternative, where calendars look, and as an
   attached .ics, for those that do not. UTF-8 (a byte order mark is left out); a NULL p takes it away. */
int nm_message_set_calendar(struct nm_message *m, struct nm_str ics, struct nm_error *e);
/* The message is these bytes (mime/raw.h says which are refused): header and body come from there, and the Message-ID; the envelope
   from from, sender, to, cc, bcc and resent as ever. NULL: no more. Takes a reference; on failure m is unchanged. */
int nm_message_set_raw(struct nm_message *m, struct nm_content *raw, struct nm_error *e);
/* One msg-id, with or without <>; a NULL p: a new one for each send. NM_EINVAL with raw, which has its own or none. */
int nm_message_set_message_id(struct nm_message *m, struct nm_str id, struct nm_error *e);
/* List-Unsubscribe-Post (RFC 8058). On needs an https URL in List-Unsubscribe. */
int nm_message_set_one_click(struct nm_message *m, int on, struct nm_error *e);
/* A block on top of the others, newest last in the list; its message_id is made if it is empty. NM_EINVAL when it has no
   From or no recipient. */
int nm_message_resend(struct nm_message *m, struct nm_resent *r, struct nm_error *e);
/* The block whose sender and recipients are the envelope's: the newest, unless it came with a message that was read; or NULL. */
const struct nm_resent *nm_message_resent(const struct nm_message *m);
/* Switching moves the string from Text to Html and back, unless the other one is set too: then both stay. */
void nm_message_set_is_body_html(struct nm_message *m, int on);

/* Random octets of a Message-ID. */
#define NM_MESSAGE_ID_RANDOM 16

/* A fresh <random@domain of from>, appended to b: 128 random bits. from NULL is an error that asks for From. */
int nm_message_id_make(const struct nm_addr *from, struct nm_buf *b, struct nm_error *e);
/* The same of random octets that are used for nothing else. */
int nm_message_id_write(const struct nm_addr *from, const unsigned char random[NM_MESSAGE_ID_RANDOM],
                        struct nm_buf *b, struct nm_error *e);

/* The whole message, header and body, as a source of CRLF lines: a snapshot (contents by reference, everything else
   copied), so m may change or go away. Rewindable; its size is exact. Fails with NM_KIND_MESSAGE when From is missing, a
   character is not in the chosen charset, or a file cannot be opened.
   Field order: Resent- blocks (the newest first), Date, From, Sender, Reply-To, To, Cc, Subject, Message-ID, fields,
   Disposition-Notification-To, X-Priority, Importance and Priority (unless normal), MIME-Version, Content-... ; without To and Cc: "To: undisclosed-recipients:;"; no Sender that is the same as From (RFC
   5322 3.6.2), no empty Subject. Bodies are in BodyEncoding; a display name that SubjectEncoding lacks goes in UTF-8. An
   attachment's bytes arrive as they are: text with line ends other than CRLF goes in base64.
   Tree: see mime/tree.h. */
int nm_message_render(const struct nm_message *m, const struct nm_stamp *stamp, struct nm_source **out,
                      struct nm_error *e);
/* The same in the memory of *spare, which was recycled (nm_pieces_recycle) or is NULL, and is taken. */
int nm_message_render_into(const struct nm_message *m, const struct nm_stamp *stamp, struct nm_pieces **spare,
                           struct nm_source **out, struct nm_error *e);

NM_HIDDEN_END

#endif

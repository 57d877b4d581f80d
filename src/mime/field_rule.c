#include "mime/field_rule.h"

#define MADE "it is made from Text, Html and Attachments"

/* RFC 5322 3.6 (which of them may stand once), 3.6.6 (Resent-), 3.6.7 (Return-Path, Received); RFC 2045 4 and 9 (MIME-Version,
   Content-); RFC 2156 (Priority, Importance); RFC 2369 and 2919 (List-); RFC 3834 (Auto-Submitted); RFC 8058
   (List-Unsubscribe-Post); RFC 8098 (Disposition-Notification-To); RFC 8689 (TLS-Required). */
static const struct nm_field_rule rules[] = {
    {"From", NM_FIELD_OWNED, 1, "use the property From"},
    {"Sender", NM_FIELD_OWNED, 1, "use the property Sender"},
    {"Reply-To", NM_FIELD_OWNED, 1, "use the property ReplyTo"},
    {"To", NM_FIELD_OWNED, 1, "use the property To"},
    {"Cc", NM_FIELD_OWNED, 1, "use the property CC"},
    {"Bcc", NM_FIELD_OWNED, 1, "use the property Bcc"},
    {"Subject", NM_FIELD_OWNED_TEXT, 1, "use the property Subject"},
    {"Date", NM_FIELD_OWNED, 1, "use the property Date"},
    {"Message-ID", NM_FIELD_OWNED, 1, "use the property MessageId"},
    {"X-Priority", NM_FIELD_OWNED, 1, "use the property Priority"},
    {"Importance", NM_FIELD_OWNED, 1, "use the property Priority"},
    {"Priority", NM_FIELD_OWNED, 1, "use the property Priority"},
    {"Disposition-Notification-To", NM_FIELD_OWNED, 1, "use the property DispositionNotificationTo"},
    {"Resent-", NM_FIELD_OWNED, 0, "use the method Resend"},
    {"MIME-Version", NM_FIELD_OWNED, 1, "it is always written"},
    {"Content-Type", NM_FIELD_OWNED, 1, MADE},
    {"Content-Transfer-Encoding", NM_FIELD_OWNED, 1, MADE},
    {"Content-Disposition", NM_FIELD_OWNED, 1, MADE},
    {"Content-ID", NM_FIELD_OWNED, 1, MADE},
    {"Content-Location", NM_FIELD_OWNED, 1, MADE},
    {"Content-Language", NM_FIELD_OWNED, 1, MADE},
    {"Content-", NM_FIELD_OWNED_TEXT, 1, MADE},
    {"Return-Path", NM_FIELD_OWNED, 1,
     "the last server writes it, from the property Sender or From of this message"},
    {"In-Reply-To", NM_FIELD_MSGIDS, 1, NULL},
    {"References", NM_FIELD_MSGIDS, 1, NULL},
    {"Keywords", NM_FIELD_PHRASES, 0, NULL},
    {"List-Unsubscribe", NM_FIELD_URLS, 1, NULL},
    {"List-Unsubscribe-Post", NM_FIELD_ONE_CLICK, 1, NULL},
    {"List-Subscribe", NM_FIELD_URLS, 1, NULL},
    {"List-Help", NM_FIELD_URLS, 1, NULL},
    {"List-Owner", NM_FIELD_URLS, 1, NULL},
    {"List-Archive", NM_FIELD_URLS, 1, NULL},
    {"List-Post", NM_FIELD_POST, 1, NULL},
    {"List-ID", NM_FIELD_LIST_ID, 1, NULL},
    {"Auto-Submitted", NM_FIELD_AUTO, 1, NULL},
    {"TLS-Required", NM_FIELD_TLS_REQUIRED, 1, NULL},
};

static int is_for(const struct nm_field_rule *r, struct nm_str name) {
  if (name.n == 0 || ((name.p[0] ^ r->name[0]) & 0xdf) != 0) { /* most differ in the first letter already */
    return 0;
  }
  struct nm_str known = nm_str_c(r->name);
  int is_prefix = known.p[known.n - 1] == '-';
  return is_prefix ? name.n > known.n && nm_str_istarts(name, known) : nm_str_ieq(name, known);
}

const struct nm_field_rule *nm_field_rule(struct nm_str name) {
  static const struct nm_field_rule any = {"", NM_FIELD_TEXT, 0, NULL};
  for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
    if (is_for(&rules[i], name)) {
      return &rules[i];
    }
  }
  return &any;
}

int nm_field_rule_is_owned(const struct nm_field_rule *rule) {
  return rule->kind == NM_FIELD_OWNED || rule->kind == NM_FIELD_OWNED_TEXT;
}

int nm_field_rule_is_text(const struct nm_field_rule *rule) {
  return rule->kind == NM_FIELD_TEXT || rule->kind == NM_FIELD_OWNED_TEXT;
}

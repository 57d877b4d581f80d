#include "mime/mediatype.h"

#include <stdlib.h>

#include "base/chars.h"

#define UNKNOWN "application/octet-stream"
/* RFC 6838 4.2: restricted-name is at most 127 long. */
#define PART_MAX 127

struct row {
  char extension[12];
  const char *type;
};

/* Sorted by octets, for the search. Not here: eml (message/rfc822 may not be encoded in base64 or
   quoted-printable, RFC 2046 5.2.1, so a saved mail travels as a file), and extensions that mean several
   things to several people. */
static const struct row rows[] = {
    {"3g2", "video/3gpp2"},
    {"3gp", "video/3gpp"},
    {"3mf", "model/3mf"},
    {"7z", "application/x-7z-compressed"},
    {"aac", "audio/aac"},
    {"ai", "application/postscript"},
    {"aif", "audio/aiff"},
    {"aiff", "audio/aiff"},
    {"amr", "audio/AMR"},
    {"apk", "application/vnd.android.package-archive"},
    {"apng", "image/apng"},
    {"asc", "application/pgp-keys"},
    {"asf", "video/x-ms-asf"},
    {"atom", "application/atom+xml"},
    {"au", "audio/basic"},
    {"avi", "video/x-msvideo"},
    {"avif", "image/avif"},
    {"bat", "application/x-msdos-program"},
    {"bin", "application/octet-stream"},
    {"bmp", "image/bmp"},
    {"bz", "application/x-bzip"},
    {"bz2", "application/x-bzip2"},
    {"c", "text/x-c"},
    {"cab", "application/vnd.ms-cab-compressed"},
    {"cbz", "application/vnd.comicbook+zip"},
    {"cc", "text/x-c"},
    {"cer", "application/pkix-cert"},
    {"cfg", "text/plain"},
    {"conf", "text/plain"},
    {"cpp", "text/x-c"},
    {"crl", "application/pkix-crl"},
    {"crt", "application/x-x509-ca-cert"},
    {"css", "text/css"},
    {"csv", "text/csv"},
    {"cxx", "text/x-c"},
    {"dae", "model/vnd.collada+xml"},
    {"deb", "application/vnd.debian.binary-package"},
    {"diff", "text/x-diff"},
    {"djvu", "image/vnd.djvu"},
    {"dmg", "application/x-apple-diskimage"},
    {"doc", "application/msword"},
    {"docm", "application/vnd.ms-word.document.macroEnabled.12"},
    {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {"dot", "application/msword"},
    {"dotm", "application/vnd.ms-word.template.macroEnabled.12"},
    {"dotx", "application/vnd.openxmlformats-officedocument.wordprocessingml.template"},
    {"dtd", "application/xml-dtd"},
    {"dv", "video/x-dv"},
    {"dvi", "application/x-dvi"},
    {"dwg", "image/vnd.dwg"},
    {"dxf", "image/vnd.dxf"},
    {"emf", "image/emf"},
    {"eot", "application/vnd.ms-fontobject"},
    {"eps", "application/postscript"},
    {"epub", "application/epub+zip"},
    {"exe", "application/vnd.microsoft.portable-executable"},
    {"fb2", "application/x-fictionbook+xml"},
    {"flac", "audio/flac"},
    {"flv", "video/x-flv"},
    {"geojson", "application/geo+json"},
    {"gif", "image/gif"},
    {"glb", "model/gltf-binary"},
    {"gltf", "model/gltf+json"},
    {"go", "text/x-go"},
    {"gpx", "application/gpx+xml"},
    {"gz", "application/gzip"},
    {"h", "text/x-c"},
    {"heic", "image/heic"},
    {"heif", "image/heif"},
    {"hpp", "text/x-c"},
    {"htm", "text/html"},
    {"html", "text/html"},
    {"ico", "image/vnd.microsoft.icon"},
    {"ics", "text/calendar"},
    {"ini", "text/plain"},
    {"ipynb", "application/x-ipynb+json"},
    {"iso", "application/x-iso9660-image"},
    {"jar", "application/java-archive"},
    {"java", "text/x-java"},
    {"jp2", "image/jp2"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", "text/javascript"},
    {"json", "application/json"},
    {"jsonld", "application/ld+json"},
    {"jxl", "image/jxl"},
    {"key", "application/vnd.apple.keynote"},
    {"kml", "application/vnd.google-earth.kml+xml"},
    {"log", "text/plain"},
    {"lua", "text/x-lua"},
    {"m3u", "audio/mpegurl"},
    {"m3u8", "application/vnd.apple.mpegurl"},
    {"m4a", "audio/mp4"},
    {"m4v", "video/mp4"},
    {"markdown", "text/markdown"},
    {"mbox", "application/mbox"},
    {"md", "text/markdown"},
    {"mdb", "application/vnd.ms-access"},
    {"mid", "audio/midi"},
    {"midi", "audio/midi"},
    {"mjs", "text/javascript"},
    {"mkv", "video/matroska"},
    {"mml", "application/mathml+xml"},
    {"mobi", "application/x-mobipocket-ebook"},
    {"mov", "video/quicktime"},
    {"mp2", "audio/mpeg"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"mpeg", "video/mpeg"},
    {"mpg", "video/mpeg"},
    {"msg", "application/vnd.ms-outlook"},
    {"msi", "application/x-msi"},
    {"mts", "video/mp2t"},
    {"numbers", "application/vnd.apple.numbers"},
    {"obj", "model/obj"},
    {"odb", "application/vnd.oasis.opendocument.base"},
    {"odc", "application/vnd.oasis.opendocument.chart"},
    {"odf", "application/vnd.oasis.opendocument.formula"},
    {"odg", "application/vnd.oasis.opendocument.graphics"},
    {"odi", "application/vnd.oasis.opendocument.image"},
    {"odp", "application/vnd.oasis.opendocument.presentation"},
    {"ods", "application/vnd.oasis.opendocument.spreadsheet"},
    {"odt", "application/vnd.oasis.opendocument.text"},
    {"oga", "audio/ogg"},
    {"ogg", "audio/ogg"},
    {"ogv", "video/ogg"},
    {"opus", "audio/ogg"},
    {"otf", "font/otf"},
    {"oxps", "application/oxps"},
    {"p12", "application/pkcs12"},
    {"p7b", "application/x-pkcs7-certificates"},
    {"p7c", "application/pkcs7-mime"},
    {"p7m", "application/pkcs7-mime"},
    {"p7s", "application/pkcs7-signature"},
    {"pages", "application/vnd.apple.pages"},
    {"patch", "text/x-diff"},
    {"pdf", "application/pdf"},
    {"pem", "application/x-pem-file"},
    {"pfx", "application/pkcs12"},
    {"pgp", "application/pgp-encrypted"},
    {"php", "text/x-php"},
    {"pkpass", "application/vnd.apple.pkpass"},
    {"pl", "text/x-perl"},
    {"png", "image/png"},
    {"po", "text/x-gettext-translation"},
    {"potx", "application/vnd.openxmlformats-officedocument.presentationml.template"},
    {"pps", "application/vnd.ms-powerpoint"},
    {"ppsx", "application/vnd.openxmlformats-officedocument.presentationml.slideshow"},
    {"ppt", "application/vnd.ms-powerpoint"},
    {"pptm", "application/vnd.ms-powerpoint.presentation.macroEnabled.12"},
    {"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    {"ps", "application/postscript"},
    {"psd", "image/vnd.adobe.photoshop"},
    {"pub", "application/vnd.ms-publisher"},
    {"py", "text/x-python"},
    {"qt", "video/quicktime"},
    {"rar", "application/vnd.rar"},
    {"rb", "text/x-ruby"},
    {"rdf", "application/rdf+xml"},
    {"rpm", "application/x-rpm"},
    {"rs", "text/x-rust"},
    {"rss", "application/rss+xml"},
    {"rst", "text/x-rst"},
    {"rtf", "application/rtf"},
    {"scss", "text/x-scss"},
    {"sh", "text/x-shellscript"},
    {"sig", "application/pgp-signature"},
    {"sql", "application/sql"},
    {"sqlite", "application/vnd.sqlite3"},
    {"sqlite3", "application/vnd.sqlite3"},
    {"srt", "application/x-subrip"},
    {"stl", "model/stl"},
    {"svg", "image/svg+xml"},
    {"svgz", "image/svg+xml"},
    {"swf", "application/vnd.adobe.flash.movie"},
    {"tar", "application/x-tar"},
    {"tex", "application/x-tex"},
    {"text", "text/plain"},
    {"tga", "image/x-tga"},
    {"tgz", "application/gzip"},
    {"tif", "image/tiff"},
    {"tiff", "image/tiff"},
    {"toml", "application/toml"},
    {"ts", "video/mp2t"},
    {"tsv", "text/tab-separated-values"},
    {"ttc", "font/collection"},
    {"ttf", "font/ttf"},
    {"ttl", "text/turtle"},
    {"txt", "text/plain"},
    {"uri", "text/uri-list"},
    {"vcard", "text/vcard"},
    {"vcf", "text/vcard"},
    {"vsd", "application/vnd.visio"},
    {"vsdx", "application/vnd.ms-visio.drawing.main+xml"},
    {"vtt", "text/vtt"},
    {"wasm", "application/wasm"},
    {"wav", "audio/x-wav"},
    {"weba", "audio/webm"},
    {"webm", "video/webm"},
    {"webp", "image/webp"},
    {"wma", "audio/x-ms-wma"},
    {"wmf", "image/wmf"},
    {"wmv", "video/x-ms-wmv"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"xhtml", "application/xhtml+xml"},
    {"xls", "application/vnd.ms-excel"},
    {"xlsb", "application/vnd.ms-excel.sheet.binary.macroEnabled.12"},
    {"xlsm", "application/vnd.ms-excel.sheet.macroEnabled.12"},
    {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    {"xltm", "application/vnd.ms-excel.template.macroEnabled.12"},
    {"xltx", "application/vnd.openxmlformats-officedocument.spreadsheetml.template"},
    {"xml", "application/xml"},
    {"xps", "application/vnd.ms-xpsdocument"},
    {"xsl", "application/xslt+xml"},
    {"xslt", "application/xslt+xml"},
    {"xz", "application/x-xz"},
    {"yaml", "application/yaml"},
    {"yml", "application/yaml"},
    {"zip", "application/zip"},
    {"zst", "application/zstd"},
};

/* What follows the last dot; nothing for ".profile", whose dot says that the file is hidden. */
static struct nm_str extension_of(struct nm_str name) {
  size_t i = name.n;
  while (i > 0 && name.p[i - 1] != '.') {
    i--;
  }
  return i > 1 ? nm_str(name.p + i, name.n - i) : nm_str("", 0);
}

static int compare(const void *extension, const void *row) {
  return nm_str_order(*(const struct nm_str *)extension, ((const struct row *)row)->extension);
}

const char *nm_media_type_by_name(struct nm_str file_name) {
  struct nm_str extension = extension_of(file_name);
  const struct row *found = bsearch(&extension, rows, sizeof rows / sizeof rows[0], sizeof rows[0], compare);
  return found != NULL ? found->type : UNKNOWN;
}

static int is_part(struct nm_str s) {
  return s.n <= PART_MAX && nm_all(s, NM_CHAR_TOKEN);
}

/* type "/" subtype   (RFC 2045 5.1) */
int nm_media_type_check(struct nm_str type, struct nm_error *e) {
  size_t slash = 0;
  while (slash < type.n && type.p[slash] != '/') {
    slash++;
  }
  struct nm_str main = nm_str(type.p, slash);
  struct nm_str sub = slash < type.n ? nm_str(type.p + slash + 1, type.n - slash - 1) : nm_str("", 0);
  int shown = type.n > 100 ? 100 : (int)type.n;
  if (!is_part(main) || !is_part(sub)) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                        "'%.*s' is not a media type: write type/subtype, without parameters", shown, type.p);
  }
  return 0;
}

int nm_media_type_is_text(struct nm_str type) {
  return type.n > 5 && nm_str_istarts(type, NM_STR("text/"));
}

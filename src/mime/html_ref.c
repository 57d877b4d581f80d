#include "mime/html_ref.h"

#include <stdlib.h>

#include "base/chars.h"
#include "base/utf8.h"

#define NAME_MAX_OCTETS 9
/* The longest of the names that do without ";". */
#define BARE_MAX 6
#define REPLACEMENT 0xfffdu

struct row {
  char name[NAME_MAX_OCTETS + 1];
  unsigned short cp;
  unsigned char bare; /* may stand without ";" */
};

/* HTML 4's 252 names, the ASCII punctuation, Latin and Cyrillic letters and the signs of HTML 5 that mails use; by the
   octets of their names. */
static const struct row rows[] = {
    {"AElig", 0xc6, 1},     {"AMP", 0x26, 1},       {"Aacute", 0xc1, 1},    {"Abreve", 0x102, 0},
    {"Acirc", 0xc2, 1},     {"Acy", 0x410, 0},      {"Agrave", 0xc0, 1},    {"Alpha", 0x391, 0},
    {"Amacr", 0x100, 0},    {"Aogon", 0x104, 0},    {"Aring", 0xc5, 1},     {"Atilde", 0xc3, 1},
    {"Auml", 0xc4, 1},      {"Bcy", 0x411, 0},      {"Beta", 0x392, 0},     {"CHcy", 0x427, 0},
    {"COPY", 0xa9, 1},      {"Cacute", 0x106, 0},   {"Ccaron", 0x10c, 0},   {"Ccedil", 0xc7, 1},
    {"Ccirc", 0x108, 0},    {"Cdot", 0x10a, 0},     {"Chi", 0x3a7, 0},      {"DJcy", 0x402, 0},
    {"DScy", 0x405, 0},     {"DZcy", 0x40f, 0},     {"Dagger", 0x2021, 0},  {"Dcaron", 0x10e, 0},
    {"Dcy", 0x414, 0},      {"Delta", 0x394, 0},    {"Dstrok", 0x110, 0},   {"ENG", 0x14a, 0},
    {"ETH", 0xd0, 1},       {"Eacute", 0xc9, 1},    {"Ecaron", 0x11a, 0},   {"Ecirc", 0xca, 1},
    {"Ecy", 0x42d, 0},      {"Edot", 0x116, 0},     {"Egrave", 0xc8, 1},    {"Emacr", 0x112, 0},
    {"Eogon", 0x118, 0},    {"Epsilon", 0x395, 0},  {"Eta", 0x397, 0},      {"Euml", 0xcb, 1},
    {"Fcy", 0x424, 0},      {"GJcy", 0x403, 0},     {"GT", 0x3e, 1},        {"Gamma", 0x393, 0},
    {"Gbreve", 0x11e, 0},   {"Gcedil", 0x122, 0},   {"Gcirc", 0x11c, 0},    {"Gcy", 0x413, 0},
    {"Gdot", 0x120, 0},     {"HARDcy", 0x42a, 0},   {"Hat", 0x5e, 0},       {"Hcirc", 0x124, 0},
    {"Hstrok", 0x126, 0},   {"IEcy", 0x415, 0},     {"IJlig", 0x132, 0},    {"IOcy", 0x401, 0},
    {"Iacute", 0xcd, 1},    {"Icirc", 0xce, 1},     {"Icy", 0x418, 0},      {"Idot", 0x130, 0},
    {"Igrave", 0xcc, 1},    {"Imacr", 0x12a, 0},    {"Iogon", 0x12e, 0},    {"Iota", 0x399, 0},
    {"Itilde", 0x128, 0},   {"Iukcy", 0x406, 0},    {"Iuml", 0xcf, 1},      {"Jcirc", 0x134, 0},
    {"Jcy", 0x419, 0},      {"Jsercy", 0x408, 0},   {"Jukcy", 0x404, 0},    {"KHcy", 0x425, 0},
    {"KJcy", 0x40c, 0},     {"Kappa", 0x39a, 0},    {"Kcedil", 0x136, 0},   {"Kcy", 0x41a, 0},
    {"LJcy", 0x409, 0},     {"LT", 0x3c, 1},        {"Lacute", 0x139, 0},   {"Lambda", 0x39b, 0},
    {"Lcaron", 0x13d, 0},   {"Lcedil", 0x13b, 0},   {"Lcy", 0x41b, 0},      {"Lmidot", 0x13f, 0},
    {"Lstrok", 0x141, 0},   {"Mcy", 0x41c, 0},      {"Mu", 0x39c, 0},       {"NJcy", 0x40a, 0},
    {"Nacute", 0x143, 0},   {"Ncaron", 0x147, 0},   {"Ncedil", 0x145, 0},   {"Ncy", 0x41d, 0},
    {"NewLine", 0xa, 0},    {"NoBreak", 0x2060, 0}, {"Ntilde", 0xd1, 1},    {"Nu", 0x39d, 0},
    {"OElig", 0x152, 0},    {"Oacute", 0xd3, 1},    {"Ocirc", 0xd4, 1},     {"Ocy", 0x41e, 0},
    {"Odblac", 0x150, 0},   {"Ograve", 0xd2, 1},    {"Omacr", 0x14c, 0},    {"Omega", 0x3a9, 0},
    {"Omicron", 0x39f, 0},  {"Oslash", 0xd8, 1},    {"Otilde", 0xd5, 1},    {"Ouml", 0xd6, 1},
    {"Pcy", 0x41f, 0},      {"Phi", 0x3a6, 0},      {"Pi", 0x3a0, 0},       {"Prime", 0x2033, 0},
    {"Psi", 0x3a8, 0},      {"QUOT", 0x22, 1},      {"REG", 0xae, 1},       {"Racute", 0x154, 0},
    {"Rcaron", 0x158, 0},   {"Rcedil", 0x156, 0},   {"Rcy", 0x420, 0},      {"Rho", 0x3a1, 0},
    {"SHCHcy", 0x429, 0},   {"SHcy", 0x428, 0},     {"SOFTcy", 0x42c, 0},   {"Sacute", 0x15a, 0},
    {"Scaron", 0x160, 0},   {"Scedil", 0x15e, 0},   {"Scirc", 0x15c, 0},    {"Scy", 0x421, 0},
    {"Sigma", 0x3a3, 0},    {"THORN", 0xde, 1},     {"TRADE", 0x2122, 0},   {"TSHcy", 0x40b, 0},
    {"TScy", 0x426, 0},     {"Tab", 0x9, 0},        {"Tau", 0x3a4, 0},      {"Tcaron", 0x164, 0},
    {"Tcedil", 0x162, 0},   {"Tcy", 0x422, 0},      {"Theta", 0x398, 0},    {"ThinSpace", 0x2009, 0},
    {"Tstrok", 0x166, 0},   {"Uacute", 0xda, 1},    {"Ubrcy", 0x40e, 0},    {"Ubreve", 0x16c, 0},
    {"Ucirc", 0xdb, 1},     {"Ucy", 0x423, 0},      {"Udblac", 0x170, 0},   {"Ugrave", 0xd9, 1},
    {"Umacr", 0x16a, 0},    {"Uogon", 0x172, 0},    {"Upsilon", 0x3a5, 0},  {"Uring", 0x16e, 0},
    {"Utilde", 0x168, 0},   {"Uuml", 0xdc, 1},      {"Vcy", 0x412, 0},      {"Wcirc", 0x174, 0},
    {"Xi", 0x39e, 0},       {"YAcy", 0x42f, 0},     {"YIcy", 0x407, 0},     {"YUcy", 0x42e, 0},
    {"Yacute", 0xdd, 1},    {"Ycirc", 0x176, 0},    {"Ycy", 0x42b, 0},      {"Yuml", 0x178, 0},
    {"ZHcy", 0x416, 0},     {"Zacute", 0x179, 0},   {"Zcaron", 0x17d, 0},   {"Zcy", 0x417, 0},
    {"Zdot", 0x17b, 0},     {"Zeta", 0x396, 0},     {"aacute", 0xe1, 1},    {"abreve", 0x103, 0},
    {"ac", 0x223e, 0},      {"acirc", 0xe2, 1},     {"acute", 0xb4, 1},     {"acy", 0x430, 0},
    {"aelig", 0xe6, 1},     {"agrave", 0xe0, 1},    {"alefsym", 0x2135, 0}, {"alpha", 0x3b1, 0},
    {"amacr", 0x101, 0},    {"amp", 0x26, 1},       {"and", 0x2227, 0},     {"ang", 0x2220, 0},
    {"angst", 0xc5, 0},     {"aogon", 0x105, 0},    {"ap", 0x2248, 0},      {"apos", 0x27, 0},
    {"approx", 0x2248, 0},  {"aring", 0xe5, 1},     {"ast", 0x2a, 0},       {"asymp", 0x2248, 0},
    {"atilde", 0xe3, 1},    {"auml", 0xe4, 1},      {"bcy", 0x431, 0},      {"bdquo", 0x201e, 0},
    {"beta", 0x3b2, 0},     {"bigstar", 0x2605, 0}, {"blk14", 0x2591, 0},   {"block", 0x2588, 0},
    {"boxdr", 0x250c, 0},   {"boxh", 0x2500, 0},    {"boxv", 0x2502, 0},    {"breve", 0x2d8, 0},
    {"brvbar", 0xa6, 1},    {"bsol", 0x5c, 0},      {"bull", 0x2022, 0},    {"bullet", 0x2022, 0},
    {"cacute", 0x107, 0},   {"cap", 0x2229, 0},     {"caron", 0x2c7, 0},    {"ccaron", 0x10d, 0},
    {"ccedil", 0xe7, 1},    {"ccirc", 0x109, 0},    {"cdot", 0x10b, 0},     {"cedil", 0xb8, 1},
    {"cent", 0xa2, 1},      {"chcy", 0x447, 0},     {"check", 0x2713, 0},   {"checkmark", 0x2713, 0},
    {"chi", 0x3c7, 0},      {"cir", 0x25cb, 0},     {"circ", 0x2c6, 0},     {"clubs", 0x2663, 0},
    {"colon", 0x3a, 0},     {"comma", 0x2c, 0},     {"commat", 0x40, 0},    {"cong", 0x2245, 0},
    {"copy", 0xa9, 1},      {"copysr", 0x2117, 0},  {"crarr", 0x21b5, 0},   {"cross", 0x2717, 0},
    {"cup", 0x222a, 0},     {"curren", 0xa4, 1},    {"dArr", 0x21d3, 0},    {"dagger", 0x2020, 0},
    {"darr", 0x2193, 0},    {"dash", 0x2010, 0},    {"dblac", 0x2dd, 0},    {"dcaron", 0x10f, 0},
    {"dcy", 0x434, 0},      {"deg", 0xb0, 1},       {"delta", 0x3b4, 0},    {"diams", 0x2666, 0},
    {"div", 0xf7, 0},       {"divide", 0xf7, 1},    {"djcy", 0x452, 0},     {"dollar", 0x24, 0},
    {"dot", 0x2d9, 0},      {"dscy", 0x455, 0},     {"dstrok", 0x111, 0},   {"dtri", 0x25bf, 0},
    {"dtrif", 0x25be, 0},   {"dzcy", 0x45f, 0},     {"eacute", 0xe9, 1},    {"ecaron", 0x11b, 0},
    {"ecirc", 0xea, 1},     {"ecy", 0x44d, 0},      {"edot", 0x117, 0},     {"egrave", 0xe8, 1},
    {"ell", 0x2113, 0},     {"emacr", 0x113, 0},    {"empty", 0x2205, 0},   {"emsp", 0x2003, 0},
    {"emsp13", 0x2004, 0},  {"emsp14", 0x2005, 0},  {"eng", 0x14b, 0},      {"ensp", 0x2002, 0},
    {"eogon", 0x119, 0},    {"epsilon", 0x3b5, 0},  {"equals", 0x3d, 0},    {"equiv", 0x2261, 0},
    {"eta", 0x3b7, 0},      {"eth", 0xf0, 1},       {"euml", 0xeb, 1},      {"euro", 0x20ac, 0},
    {"excl", 0x21, 0},      {"exist", 0x2203, 0},   {"fcy", 0x444, 0},      {"female", 0x2640, 0},
    {"flat", 0x266d, 0},    {"fnof", 0x192, 0},     {"forall", 0x2200, 0},  {"frac12", 0xbd, 1},
    {"frac13", 0x2153, 0},  {"frac14", 0xbc, 1},    {"frac15", 0x2155, 0},  {"frac16", 0x2159, 0},
    {"frac18", 0x215b, 0},  {"frac23", 0x2154, 0},  {"frac25", 0x2156, 0},  {"frac34", 0xbe, 1},
    {"frac35", 0x2157, 0},  {"frac38", 0x215c, 0},  {"frac45", 0x2158, 0},  {"frac56", 0x215a, 0},
    {"frac58", 0x215d, 0},  {"frac78", 0x215e, 0},  {"frasl", 0x2044, 0},   {"gamma", 0x3b3, 0},
    {"gbreve", 0x11f, 0},   {"gcirc", 0x11d, 0},    {"gcy", 0x433, 0},      {"gdot", 0x121, 0},
    {"ge", 0x2265, 0},      {"gjcy", 0x453, 0},     {"grave", 0x60, 0},     {"gt", 0x3e, 1},
    {"hArr", 0x21d4, 0},    {"hairsp", 0x200a, 0},  {"half", 0xbd, 0},      {"hardcy", 0x44a, 0},
    {"harr", 0x2194, 0},    {"hcirc", 0x125, 0},    {"hearts", 0x2665, 0},  {"hellip", 0x2026, 0},
    {"horbar", 0x2015, 0},  {"hstrok", 0x127, 0},   {"hyphen", 0x2010, 0},  {"iacute", 0xed, 1},
    {"icirc", 0xee, 1},     {"icy", 0x438, 0},      {"iecy", 0x435, 0},     {"iexcl", 0xa1, 1},
    {"igrave", 0xec, 1},    {"ijlig", 0x133, 0},    {"imacr", 0x12b, 0},    {"image", 0x2111, 0},
    {"incare", 0x2105, 0},  {"infin", 0x221e, 0},   {"inodot", 0x131, 0},   {"int", 0x222b, 0},
    {"iocy", 0x451, 0},     {"iogon", 0x12f, 0},    {"iota", 0x3b9, 0},     {"iquest", 0xbf, 1},
    {"isin", 0x2208, 0},    {"itilde", 0x129, 0},   {"iukcy", 0x456, 0},    {"iuml", 0xef, 1},
    {"jcirc", 0x135, 0},    {"jcy", 0x439, 0},      {"jsercy", 0x458, 0},   {"jukcy", 0x454, 0},
    {"kappa", 0x3ba, 0},    {"kcedil", 0x137, 0},   {"kcy", 0x43a, 0},      {"khcy", 0x445, 0},
    {"kjcy", 0x45c, 0},     {"lArr", 0x21d0, 0},    {"lacute", 0x13a, 0},   {"lambda", 0x3bb, 0},
    {"lang", 0x27e8, 0},    {"laquo", 0xab, 1},     {"larr", 0x2190, 0},    {"larrhk", 0x21a9, 0},
    {"lbbrk", 0x2772, 0},   {"lbrace", 0x7b, 0},    {"lbrack", 0x5b, 0},    {"lcaron", 0x13e, 0},
    {"lcedil", 0x13c, 0},   {"lceil", 0x2308, 0},   {"lcub", 0x7b, 0},      {"lcy", 0x43b, 0},
    {"ldquo", 0x201c, 0},   {"ldquor", 0x201e, 0},  {"le", 0x2264, 0},      {"leftarrow", 0x2190, 0},
    {"lfloor", 0x230a, 0},  {"ljcy", 0x459, 0},     {"lmidot", 0x140, 0},   {"lowast", 0x2217, 0},
    {"lowbar", 0x5f, 0},    {"loz", 0x25ca, 0},     {"lozf", 0x29eb, 0},    {"lpar", 0x28, 0},
    {"lrarr", 0x21c6, 0},   {"lrm", 0x200e, 0},     {"lsaquo", 0x2039, 0},  {"lsqb", 0x5b, 0},
    {"lsquo", 0x2018, 0},   {"lsquor", 0x201a, 0},  {"lstrok", 0x142, 0},   {"lt", 0x3c, 1},
    {"ltri", 0x25c3, 0},    {"ltrif", 0x25c2, 0},   {"macr", 0xaf, 1},      {"male", 0x2642, 0},
    {"malt", 0x2720, 0},    {"mcy", 0x43c, 0},      {"mdash", 0x2014, 0},   {"mho", 0x2127, 0},
    {"micro", 0xb5, 1},     {"midast", 0x2a, 0},    {"middot", 0xb7, 1},    {"minus", 0x2212, 0},
    {"mldr", 0x2026, 0},    {"mu", 0x3bc, 0},       {"nabla", 0x2207, 0},   {"nacute", 0x144, 0},
    {"natural", 0x266e, 0}, {"nbsp", 0xa0, 1},      {"ncaron", 0x148, 0},   {"ncedil", 0x146, 0},
    {"ncy", 0x43d, 0},      {"ndash", 0x2013, 0},   {"ne", 0x2260, 0},      {"ni", 0x220b, 0},
    {"njcy", 0x45a, 0},     {"nldr", 0x2025, 0},    {"not", 0xac, 1},       {"notin", 0x2209, 0},
    {"nsub", 0x2284, 0},    {"ntilde", 0xf1, 1},    {"nu", 0x3bd, 0},       {"num", 0x23, 0},
    {"numero", 0x2116, 0},  {"numsp", 0x2007, 0},   {"oacute", 0xf3, 1},    {"ocirc", 0xf4, 1},
    {"ocy", 0x43e, 0},      {"odblac", 0x151, 0},   {"oelig", 0x153, 0},    {"ogon", 0x2db, 0},
    {"ograve", 0xf2, 1},    {"ohm", 0x3a9, 0},      {"oline", 0x203e, 0},   {"omacr", 0x14d, 0},
    {"omega", 0x3c9, 0},    {"omicron", 0x3bf, 0},  {"oplus", 0x2295, 0},   {"or", 0x2228, 0},
    {"ordf", 0xaa, 1},      {"ordm", 0xba, 1},      {"oslash", 0xf8, 1},    {"otilde", 0xf5, 1},
    {"otimes", 0x2297, 0},  {"ouml", 0xf6, 1},      {"para", 0xb6, 1},      {"part", 0x2202, 0},
    {"pcy", 0x43f, 0},      {"percnt", 0x25, 0},    {"period", 0x2e, 0},    {"permil", 0x2030, 0},
    {"perp", 0x22a5, 0},    {"phi", 0x3c6, 0},      {"phone", 0x260e, 0},   {"pi", 0x3c0, 0},
    {"piv", 0x3d6, 0},      {"planck", 0x210f, 0},  {"plus", 0x2b, 0},      {"plusmn", 0xb1, 1},
    {"pm", 0xb1, 0},        {"pound", 0xa3, 1},     {"prime", 0x2032, 0},   {"prod", 0x220f, 0},
    {"prop", 0x221d, 0},    {"psi", 0x3c8, 0},      {"puncsp", 0x2008, 0},  {"quest", 0x3f, 0},
    {"quot", 0x22, 1},      {"rArr", 0x21d2, 0},    {"racute", 0x155, 0},   {"radic", 0x221a, 0},
    {"rang", 0x27e9, 0},    {"raquo", 0xbb, 1},     {"rarr", 0x2192, 0},    {"rarrhk", 0x21aa, 0},
    {"rarrw", 0x219d, 0},   {"rbrace", 0x7d, 0},    {"rbrack", 0x5d, 0},    {"rcaron", 0x159, 0},
    {"rcedil", 0x157, 0},   {"rceil", 0x2309, 0},   {"rcub", 0x7d, 0},      {"rcy", 0x440, 0},
    {"rdquo", 0x201d, 0},   {"rdquor", 0x201d, 0},  {"real", 0x211c, 0},    {"reg", 0xae, 1},
    {"rfloor", 0x230b, 0},  {"rho", 0x3c1, 0},      {"ring", 0x2da, 0},     {"rlm", 0x200f, 0},
    {"rpar", 0x29, 0},      {"rsaquo", 0x203a, 0},  {"rsqb", 0x5d, 0},      {"rsquo", 0x2019, 0},
    {"rsquor", 0x2019, 0},  {"rtri", 0x25b9, 0},    {"rtrif", 0x25b8, 0},   {"sacute", 0x15b, 0},
    {"sbquo", 0x201a, 0},   {"scaron", 0x161, 0},   {"scedil", 0x15f, 0},   {"scirc", 0x15d, 0},
    {"scy", 0x441, 0},      {"sdot", 0x22c5, 0},    {"sect", 0xa7, 1},      {"semi", 0x3b, 0},
    {"sext", 0x2736, 0},    {"sharp", 0x266f, 0},   {"shchcy", 0x449, 0},   {"shcy", 0x448, 0},
    {"shy", 0xad, 1},       {"sigma", 0x3c3, 0},    {"sigmaf", 0x3c2, 0},   {"sim", 0x223c, 0},
    {"softcy", 0x44c, 0},   {"sol", 0x2f, 0},       {"spades", 0x2660, 0},  {"squ", 0x25a1, 0},
    {"square", 0x25a1, 0},  {"squf", 0x25aa, 0},    {"star", 0x2606, 0},    {"starf", 0x2605, 0},
    {"sub", 0x2282, 0},     {"sube", 0x2286, 0},    {"sum", 0x2211, 0},     {"sung", 0x266a, 0},
    {"sup", 0x2283, 0},     {"sup1", 0xb9, 1},      {"sup2", 0xb2, 1},      {"sup3", 0xb3, 1},
    {"supe", 0x2287, 0},    {"szlig", 0xdf, 1},     {"tau", 0x3c4, 0},      {"tcaron", 0x165, 0},
    {"tcedil", 0x163, 0},   {"tcy", 0x442, 0},      {"telrec", 0x2315, 0},  {"there4", 0x2234, 0},
    {"theta", 0x3b8, 0},    {"thetasym", 0x3d1, 0}, {"thinsp", 0x2009, 0},  {"thorn", 0xfe, 1},
    {"tilde", 0x2dc, 0},    {"times", 0xd7, 1},     {"trade", 0x2122, 0},   {"tscy", 0x446, 0},
    {"tshcy", 0x45b, 0},    {"tstrok", 0x167, 0},   {"uArr", 0x21d1, 0},    {"uacute", 0xfa, 1},
    {"uarr", 0x2191, 0},    {"ubrcy", 0x45e, 0},    {"ubreve", 0x16d, 0},   {"ucirc", 0xfb, 1},
    {"ucy", 0x443, 0},      {"udblac", 0x171, 0},   {"ugrave", 0xf9, 1},    {"umacr", 0x16b, 0},
    {"uml", 0xa8, 1},       {"uogon", 0x173, 0},    {"upsih", 0x3d2, 0},    {"upsilon", 0x3c5, 0},
    {"uring", 0x16f, 0},    {"utilde", 0x169, 0},   {"utri", 0x25b5, 0},    {"utrif", 0x25b4, 0},
    {"uuml", 0xfc, 1},      {"varr", 0x2195, 0},    {"vcy", 0x432, 0},      {"verbar", 0x7c, 0},
    {"vert", 0x7c, 0},      {"wcirc", 0x175, 0},    {"weierp", 0x2118, 0},  {"xi", 0x3be, 0},
    {"xrarr", 0x27f6, 0},   {"yacute", 0xfd, 1},    {"yacy", 0x44f, 0},     {"ycirc", 0x177, 0},
    {"ycy", 0x44b, 0},      {"yen", 0xa5, 1},       {"yicy", 0x457, 0},     {"yucy", 0x44e, 0},
    {"yuml", 0xff, 1},      {"zacute", 0x17a, 0},   {"zcaron", 0x17e, 0},   {"zcy", 0x437, 0},
    {"zdot", 0x17c, 0},     {"zeta", 0x3b6, 0},     {"zhcy", 0x436, 0},     {"zwj", 0x200d, 0},
    {"zwnj", 0x200c, 0},
};

static int compare(const void *name, const void *row) {
  const struct nm_str *s = name;
  struct nm_str known = nm_str_c(((const struct row *)row)->name);
  int order = memcmp(s->p, known.p, s->n < known.n ? s->n : known.n);
  return order != 0 ? order : (s->n > known.n) - (s->n < known.n);
}

static const struct row *find(struct nm_str name) {
  return bsearch(&name, rows, sizeof rows / sizeof rows[0], sizeof rows[0], compare);
}

static int is_alnum(struct nm_str s, size_t at) {
  return at < s.n && nm_is((unsigned char)s.p[at], NM_CHAR_ALPHA | NM_CHAR_DIGIT);
}

/* The longest name that fits is meant ("&notit;" is a "not" sign and "it;"). In an attribute, "&copy=1" is the second half of
   a query and no sign. */
static size_t bare_name(struct nm_str s, size_t end, int in_attribute, uint32_t *cp_out) {
  for (size_t n = end - 1 < BARE_MAX ? end - 1 : BARE_MAX; n >= 2; n--) {
    const struct row *row = find(nm_str(s.p + 1, n));
    if (row != NULL && row->bare) {
      int goes_on = is_alnum(s, n + 1) || (n + 1 < s.n && s.p[n + 1] == '=');
      *cp_out = row->cp;
      return in_attribute && goes_on ? 0 : n + 1;
    }
  }
  return 0;
}

static size_t named(struct nm_str s, int in_attribute, uint32_t *cp_out) {
  size_t end = 1;
  while (is_alnum(s, end) && end <= NAME_MAX_OCTETS) {
    end++;
  }
  if (end < s.n && s.p[end] == ';') {
    const struct row *row = find(nm_str(s.p + 1, end - 1));
    if (row != NULL) {
      *cp_out = row->cp;
      return end + 1;
    }
  }
  return bare_name(s, end, in_attribute, cp_out);
}

/* What the number of a reference stands for (WHATWG HTML 13.2.5.80): 0x80 to 0x9F are windows-1252's characters. */
static uint32_t replace(uint32_t cp) {
  static const unsigned short windows[32] = {0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021,
                                             0x2c6,  0x2030, 0x160,  0x2039, 0x152,  0x8d,   0x17d,  0x8f,
                                             0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
                                             0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178};
  if (cp == 0 || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff)) {
    return REPLACEMENT;
  }
  return cp >= 0x80 && cp <= 0x9f ? windows[cp - 0x80] : cp;
}

static unsigned digit_of(char c) {
  char low = nm_lower(c);
  return (unsigned)(low <= '9' ? low - '0' : low - 'a' + 10);
}

/* "&#" 1*DIGIT [";"] / "&#" ("x" / "X") 1*HEXDIG [";"]. More digits than a code point has still are one reference. */
static size_t numeric(struct nm_str s, uint32_t *cp_out) {
  int hex = s.n > 2 && (s.p[2] == 'x' || s.p[2] == 'X');
  size_t begin = hex ? 3 : 2, at = begin;
  uint32_t cp = 0;
  for (; at < s.n && nm_is((unsigned char)s.p[at], hex ? NM_CHAR_HEX : NM_CHAR_DIGIT); at++) {
    cp = cp > 0x10ffff ? cp : cp * (hex ? 16u : 10u) + digit_of(s.p[at]);
  }
  if (at == begin) {
    return 0;
  }
  *cp_out = replace(cp);
  return at < s.n && s.p[at] == ';' ? at + 1 : at;
}

size_t nm_html_char(struct nm_str s, int in_attribute, uint32_t *cp_out) {
  size_t n = 0;
  if (s.p[0] == '&' && s.n > 1) {
    n = s.p[1] == '#' ? numeric(s, cp_out) : named(s, in_attribute, cp_out);
  }
  n = n > 0 ? n : nm_utf8_next(s.p, s.n, cp_out);
  if (n == 0) {
    *cp_out = REPLACEMENT;
    n = 1;
  }
  return n;
}

void nm_html_decode(struct nm_buf *b, struct nm_str s, int in_attribute) {
  size_t at = 0;
  while (at < s.n) {
    const char *amp = memchr(s.p + at, '&', s.n - at);
    size_t plain = amp != NULL ? (size_t)(amp - s.p) - at : s.n - at;
    nm_buf_add(b, s.p + at, plain);
    at += plain;
    if (at < s.n) {
      uint32_t cp;
      char utf8[NM_UTF8_MAX];
      at += nm_html_char(nm_str(s.p + at, s.n - at), in_attribute, &cp);
      nm_buf_add(b, utf8, nm_utf8_put(utf8, cp));
    }
  }
}

"""What the readers of readers.py get wrong, each with the words of the RFC. An entry that no message shows any more fails:
then it goes."""
import re


class Defect:
    """reader: whose; name: what it does; applies(path, got, want, text): whether a difference is it; why: the RFC."""

    def __init__(self, reader, name, applies, why):
        self.reader, self.name, self.applies, self.why = reader, name, applies, why

    def explains(self, difference, text):
        return difference.reader == self.reader and self.applies(difference.path, difference.got, difference.want, text)


def cut_behind_padding(path, got, want, text):
    """Some words are missing, and there is padding that is not at the end of a chain."""
    if not (re.search(rb"\?[Bb]\?[^?\s]*=\?=\s+=\?", text) and isinstance(want, str) and isinstance(got, str)):
        return False
    rest = iter(want)
    return len(got) < len(want) and all(c in rest for c in got)


def space_at_a_fold(path, got, want, text):
    return (isinstance(want, str) and isinstance(got, str) and re.search(rb"\n(?:  |\t)[ \t]*\S", text) is not None
            and re.sub("[ \t]+", " ", got) == re.sub("[ \t]+", " ", want))


def folded_name(path, got, want, text):
    return isinstance(got, str) and "\r\n" in got and got.replace("\r\n", "") == want


def trimmed_mailbox(path, got, want, text):
    return isinstance(want, str) and want != want.strip() and got == want.strip()


def unquoted(path, got, want, text):
    """A quoted local part without its quotes."""
    if not (isinstance(want, str) and re.match('".*"@', want)):
        return False
    return got == re.sub(r"\\(.)", r"\1", re.sub('^"(.*)"@', r"\1@", want))


def colon_of_a_literal(path, got, want, text):
    """Both halves: the name that it takes the end of the literal for, and the address that is gone."""
    literal = re.search(rb"@\[IPv6:[^\]]*(\d+\])", text)
    return bool(literal) and (got == "1]" and want == "" or got == "" and "@[IPv6:" in str(want))


def encoded_words_in_a_name(path, got, want, text):
    return path.endswith("filename") and "=?" in want


def trimmed_name(path, got, want, text):
    return path.endswith("filename") and want != want.strip() and (got or "") == want.strip()


def empty_part(path, got, want, text):
    if path.endswith("text"):
        return got == "\n" and want == ""
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    return (path.endswith("size") and want == 0 and got == 2) or (path.endswith("sha256") and want == empty)


def flowed_end(path, got, want, text):
    return path.endswith("text") and b"format=flowed" in text and want == got + "\n"


DEFECTS = [
    Defect("gmime", "3.2.13 leaves out the words of a chain behind the first that has padding", cut_behind_padding,
           "RFC 2047 2: each encoded-word is encoded for itself; 6.2: 'concatenated' once decoded. Right again in 3.2.14"),
    Defect("gmime", "keeps the CRLF of a fold in a display name", folded_name,
           "RFC 5322 2.2.3: 'Unfolding is accomplished by simply removing any CRLF that is immediately followed by WSP'"),
    Defect("gmime", "takes white space off the ends of a display name, also when it is encoded", trimmed_mailbox,
           "RFC 2047 6.1 and 4.2(2): '_' stands for a space of the text; only the space around encoded-words means nothing"),
    Defect("mailparser", "takes the quotes off a local part", unquoted,
           "RFC 5322 3.4.1: local-part = dot-atom / quoted-string"),
    Defect("mailparser", "takes the colon of a domain literal for that of a group", colon_of_a_literal,
           "RFC 5322 3.4.1: domain-literal = [CFWS] '[' *([FWS] dtext) [FWS] ']' [CFWS], and dtext has the colon"),
    Defect("mailparser", "decodes encoded words in a file name of RFC 2231", encoded_words_in_a_name,
           "RFC 2047 5: 'An encoded-word MUST NOT be used in parameter of a MIME Content-Type or Content-Disposition field'"),
    Defect("mailparser", "takes white space off the ends of a file name", trimmed_name,
           "RFC 2045 5.1: value = token / quoted-string; RFC 5322 3.2.4: what is within the quotes is the string"),
    Defect("mailparser", "makes one space of the white space at a fold", space_at_a_fold,
           "RFC 5322 2.2.3: 'Unfolding is accomplished by simply removing any CRLF that is immediately followed by WSP'"),
    Defect("mailparser", "takes the last line end off a flowed text", flowed_end,
           "RFC 3676 4.2: a line that does not end in a space is fixed, and ends"),
    Defect("mailparser", "gives an empty part a line end", empty_part,
           "RFC 2046 5.1.1: 'the CRLF preceding the boundary delimiter line is conceptually attached to the boundary'"),
]

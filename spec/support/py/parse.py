"""Reads a message (a file, or standard input; several files: a list of them) with Python's email package and prints it
as a Lua table:
  defects   what Python complains of, in the message and its parts
  headers   list of {name, value} in order, decoded
  text      the whole header of the message as it stands, undecoded
  root      the part tree; a part has type, charset, boundary, encoding (Content-Transfer-Encoding), disposition,
            filename, id (Content-ID), headers, and either parts or size, sha256, content (decoded bytes), and text
            (decoded by its charset) if it is text
"""
import email
import email.header
import email.policy
import email.utils
import hashlib
import sys

import luatable


def decoded_names(raw):
    """The display names of an address field. The newer parser puts a space between two encoded words of a name
    (RFC 2047 6.2 says to drop it); the older one does not."""
    pairs = email.utils.getaddresses([raw.replace("\r", "").replace("\n", "")])
    return [str(email.header.make_header(email.header.decode_header(name))) for name, _ in pairs]


def addresses(value, raw):
    found = [{"name": a.display_name, "spec": a.addr_spec} for a in value.addresses]
    names = decoded_names(raw)
    if len(names) == len(found):
        for row, name in zip(found, names):
            row["name"] = name
    return found


def addresses_of(raw):
    """The same of a field that the package does not take for one of addresses."""
    return addresses(email.policy.default.header_factory("To", raw.replace("\r", "").replace("\n", "")), raw)


def headers(part):
    out = []
    for (name, value), (_, raw) in zip(part.items(), part.raw_items()):
        row = {"name": name, "value": str(value), "raw": raw, "defects": [str(d) for d in value.defects]}
        if hasattr(value, "addresses"):
            row["addresses"] = addresses(value, raw)
        if getattr(value, "datetime", None) is not None:
            row["time"] = int(value.datetime.timestamp())
        out.append(row)
    return out


def filename(part):
    """As it is written: get_filename takes white space off its ends."""
    disposition = part.get("Content-Disposition")
    return disposition.params.get("filename") if disposition is not None else part.get_filename()


def tree(part, defects):
    defects += [type(d).__name__ for d in part.defects]
    for _, value in part.items():
        defects += ["%s: %s" % (value.name, d) for d in value.defects]
    out = {
        "type": part.get_content_type(), "charset": part.get_content_charset(), "boundary": part.get_boundary(),
        "encoding": str(part.get("Content-Transfer-Encoding", "")).lower() or None,
        "disposition": part.get_content_disposition(), "filename": filename(part),
        "id": part.get("Content-ID"), "headers": headers(part),
    }
    if part.is_multipart():
        out["parts"] = [tree(p, defects) for p in part.get_payload()]
        return out
    content = part.get_payload(decode=True) or b""
    out.update(size=len(content), sha256=hashlib.sha256(content).hexdigest())
    # A picture of a gigabyte is compared by its hash.
    if len(content) <= 1 << 20:
        out["content"] = content
        if part.get_content_maintype() == "text":
            out["text"] = content.decode(part.get_content_charset() or "ascii", "replace")
    return out


def parsed(raw):
    message = email.message_from_bytes(raw, policy=email.policy.default)
    defects = []
    root = tree(message, defects)
    end = raw.find(b"\r\n\r\n")
    return {"defects": defects, "headers": root["headers"], "root": root, "size": len(raw),
            "text": raw[:end + 2] if end >= 0 else raw}


def read(path):
    with open(path, "rb") as f:
        return f.read()


def main():
    if len(sys.argv) > 2:
        value = [parsed(read(path)) for path in sys.argv[1:]]
    else:
        value = parsed(read(sys.argv[1]) if len(sys.argv) > 1 else sys.stdin.buffer.read())
    print(luatable.chunk(value), end="")


if __name__ == "__main__":
    main()

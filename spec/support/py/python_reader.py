"""python_reader.py LIST: reads each message that LIST names (a path a line) with Python's email package, and prints what
it makes of it: see readers.py for the shape. One value in bencoding after another, in the order of the list."""
import re
import sys

import bencode
import parse

ADDRESSES = {"from", "sender", "reply-to", "to", "cc", "bcc", "disposition-notification-to"}
IDS = {"message-id", "in-reply-to", "references"}


def field(row):
    name = row["name"].lower()
    kind = name[7:] if name.startswith("resent-") else name
    if kind in ADDRESSES:
        # Of a field that the package does not know to hold addresses it has only the text.
        found = row["addresses"] if "addresses" in row else parse.addresses_of(row["raw"])
        return [name, [[a["name"], a["spec"]] for a in found]]
    if kind in IDS:
        return [name, re.findall(r"<([^<>]*)>", re.sub(r"\s", "", row["value"]))]
    if kind == "date":
        return [name, row.get("time", 0)]
    return [name, row["value"]]


def header(part):
    return [field(row) for row in part["headers"] if not row["name"].lower().startswith("content-")]


def node(part):
    out = {key: part.get(key) for key in ("type", "disposition", "filename", "size", "sha256", "text")}
    out["charset"] = part["charset"]
    out["id"] = part["id"] and str(part["id"]).strip().strip("<>")
    # It takes what follows the fields of any message/... for a message, also where that is none (message/partial).
    if part.get("parts") is not None and (part["type"] == "message/rfc822" or part["type"].startswith("multipart/")):
        out["parts"] = [node(p) for p in part["parts"]]
        if part["type"] == "message/rfc822":
            for inner, p in zip(out["parts"], part["parts"]):
                inner["header"] = header(p)
    return out


def main():
    with open(sys.argv[1]) as f:
        paths = f.read().split("\n")
    for path in filter(None, paths):
        try:
            got = parse.parsed(parse.read(path))
            value = {"header": header(got["root"]), "root": node(got["root"])}
        except Exception as e:
            value = {"error": "%s: %s" % (type(e).__name__, e)}
        sys.stdout.buffer.write(bencode.encode(value))


main()

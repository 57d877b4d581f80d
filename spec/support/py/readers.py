"""readers.py CORPUS...: has every message of the corpora (written by spec/support/corpus.lua) read by Python's email,
mailparser and GMime, and compares what they say with each other and with what the author of the message put in.

Each reader is started once with a list of files, and prints for each a dictionary:
  header  list of [field's name in lower case, value] in order, without the Content- fields. The value is a list of [name,
          address] for a field of addresses, a list of ids without <> for one of ids, seconds for a date, else the text
  root    the tree; a part has type, disposition, filename, id, charset, and either parts or size and sha256 of the decoded
          content, text (decoded by the charset); what a reader does not tell is not there. The one part of a
          message/rfc822 has a header too
  error   instead of all that: it could not be read
A difference is a failure, unless reader_defects.py says whose defect it is; a defect there that no message shows is a
failure too. The messages are left in build/corpus/mail/ by number. READERS_PART=1: not all specs were run, so not all
defects can show.
"""
import hashlib
import os
import re
import subprocess
import sys

import bencode
from reader_defects import DEFECTS

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", "..", ".."))
FOLDER = os.path.join(ROOT, "build", "readers")
MAIL = os.path.join(ROOT, "build", "corpus", "mail")
READERS = {
    "python": ["/usr/bin/python3", "-B", os.path.join(HERE, "python_reader.py")],
    "mailparser": ["node", os.path.join(HERE, "..", "readers", "mailparser.js"), FOLDER],
    "gmime": [os.path.join(FOLDER, "gmime")],
}


# --- the corpus ---

def masked(text):
    """What differs between two renderings of one message, and so between interpreters, taken out."""
    text = re.sub(rb"(?m)^((?:Resent-)?(?:Date|Message-ID)): [^\r\n]+", rb"\1:", text)
    return re.sub(rb"=_(\d+)_[0-9a-f]+", rb"=_\1_", text)


def load(paths):
    """The records, each message once."""
    found = {}
    for path in paths:
        with open(path, "rb") as f:
            for record in bencode.decode_all(f.read()):
                key = hashlib.sha256(masked(record["text"]) + bencode.encode(record.get("put", {}))).digest()
                found.setdefault(key, record)
    return list(found.values())


def lay_out(records):
    """Writes the messages down; the list of them."""
    os.makedirs(MAIL, exist_ok=True)
    for name in os.listdir(MAIL):
        os.remove(os.path.join(MAIL, name))
    paths = []
    for i, record in enumerate(records):
        paths.append(os.path.join(MAIL, "%d.eml" % (i + 1)))
        with open(paths[-1], "wb") as f:
            f.write(record["text"])
    listed = os.path.join(MAIL, "list")
    with open(listed, "w") as f:
        f.write("\n".join(paths) + "\n")
    return listed


def missing(name):
    """Why a reader cannot be had; None: it can. setup.sh leaves the reason."""
    reason = os.path.join(FOLDER, name + ".missing")
    if os.path.exists(reason):
        with open(reason) as f:
            return f.read().strip()
    return None


def read(listed, count):
    """Name of reader -> what it made of each message."""
    running = {}
    for name, command in READERS.items():
        if missing(name) is None:
            out = open(os.path.join(MAIL, name), "w+b")
            running[name] = out, subprocess.Popen(command + [listed], stdout=out)
    results = {}
    for name, (out, process) in running.items():
        status = process.wait()
        out.seek(0)
        values = [bencode.text(v) for v in bencode.decode_all(out.read())]
        if status != 0 or len(values) != count:
            values += [{"error": "%s ended with status %d" % (name, status)}] * (count - len(values))
        results[name] = values
    return results


# --- what is compared: paths into a reading, "subject" or "root.2.filename", and their values ---

def lines(text):
    return text.replace("\r\n", "\n")


def flat_part(part, path, out):
    out[path + "type"] = part["type"]
    for key in ("disposition", "filename", "id"):
        out[path + key] = part.get(key) or None
    for key in ("size", "sha256"):
        if key in part:
            out[path + key] = part[key]
    # What text is in no charset is each reader's guess.
    if part["type"].startswith("text/") and "text" in part and (part.get("charset") or part["text"].isascii()):
        out[path + "text"] = lines(part["text"])
    if "parts" in part:
        out[path + "parts"] = len(part["parts"])
        for i, p in enumerate(part["parts"], 1):
            if "header" in p:
                flat_header(p["header"], "%s%d." % (path, i), out)
            flat_part(p, "%s%d." % (path, i), out)


def flat_header(header, path, out):
    out[path + "fields"] = [name for name, _ in header]
    seen = {}
    for name, value in header:
        seen[name] = seen.get(name, 0) + 1
        out[path + name + ("" if seen[name] == 1 else "#%d" % seen[name])] = value


def flat(reading):
    out = {}
    if "error" in reading:
        return {"error": reading["error"]}
    flat_header(reading["header"], "", out)
    flat_part(reading["root"], "root.", out)
    return out


def leaves(part, path="root."):
    if "parts" not in part:
        yield path, part
    elif part["type"] != "message/rfc822":
        for i, p in enumerate(part["parts"], 1):
            yield from leaves(p, "%s%d." % (path, i))


def ends(text):
    """Line ends as the message has them: LF for each, and, where the text is the whole message, one behind the last line."""
    return re.sub("\r\n?", "\n", text)


def expected(put, readings):
    """Paths and values that the author put in, as far as they are known."""
    out = {}
    for key in ("from", "to", "cc", "reply-to"):
        if put.get(key) or key == "to":
            out[key] = put.get(key, [])
    if not put.get("to") and put.get("cc"):
        del out["to"]
    if put.get("subject"):
        out["subject"] = put["subject"]
    for key in ("message-id", "in-reply-to"):
        if put.get(key):
            out[key] = re.findall("<([^<>]*)>", put[key]) or [put[key]]
    if put.get("references"):
        out["references"] = [i.strip("<>") for i in put["references"]]
    return out


def placed(put, reading):
    """The same for what is in the tree, whose place depends on what else there is: paths of this reading."""
    out, parts = {}, list(leaves(reading["root"]))
    alone = len(parts) == 1
    for key, media in (("text", "text/plain"), ("html", "text/html")):
        body = next((path for path, p in parts if p["type"] == media and not p.get("filename") and "text" in p), None)
        if put.get(key) is not None and body is not None:
            text = ends(put[key])
            out[body + "text"] = (text, text + "\n") if alone else (text,)
    return out


def lost(put, reading):
    """Names of the attachments that were put in and that this reading does not have as they were."""
    parts, names = [p for _, p in leaves(reading["root"])], []
    for a in put.get("attachments", []):
        digest = hashlib.sha256(a["content"]).hexdigest() if "content" in a else None
        a = bencode.text({k: v for k, v in a.items() if k != "content"})
        shown = {"filename": a.get("name") or None, "id": a.get("id") or None, "type": a["type"].split(";")[0].strip().lower()}
        for p in parts:
            if all((p.get(k) or None) == v for k, v in shown.items()) and digest in (None, p.get("sha256", digest)):
                parts.remove(p)
                break
        else:
            names.append(a.get("name"))
    return names


# --- judging ---

class Difference:
    def __init__(self, reader, path, got, want):
        self.reader, self.path, self.got, self.want = reader, path, got, want

    def __str__(self):
        return "%s has %s as %.300r, not %.300r" % (self.reader, self.path, self.got, self.want)


def agreed(values):
    """The value that most readers have."""
    best, most = None, 0
    for value in values.values():
        n = sum(1 for v in values.values() if v == value)
        if n > most:
            best, most = value, n
    return best


def apart(reader, path, got, want):
    """The differences within a difference: the names and addresses of a list are judged one by one."""
    if isinstance(got, list) and isinstance(want, list) and len(got) == len(want) and not path.endswith("fields"):
        for i, (g, w) in enumerate(zip(got, want), 1):
            if g != w:
                yield from apart(reader, "%s.%d" % (path, i), g, w)
    else:
        yield Difference(reader, path, got, want)


def differences(record, readings):
    put = record.get("put")
    flats = {name: flat(reading) for name, reading in readings.items()}
    found = []
    for name, values in flats.items():
        if "error" in values:
            found.append(Difference(name, "error", values["error"], None))
    flats = {name: values for name, values in flats.items() if "error" not in values}
    known = {}
    if put is not None:
        shown = bencode.text({k: v for k, v in put.items() if k != "attachments"})
        shown["attachments"] = put.get("attachments", [])
        known = expected(shown, readings)
        for name in flats:
            for path, wants in placed(shown, readings[name]).items():
                got = flats[name].get(path)
                if got not in wants:
                    found.append(Difference(name, path, got, wants[0]))
        # Where one reader has it all, what the others have else shows below.
        if all(lost(shown, readings[name]) for name in flats):
            found.append(Difference("every reader", "attachments", None, lost(shown, readings[next(iter(flats))])))
    for path in sorted({p for values in flats.values() for p in values} | set(known)):
        # What a reader does not tell of (the raw bytes of a text, the text of a file) is no difference.
        values = {name: v.get(path) for name, v in flats.items() if path in v or not path.endswith(("size", "sha256", "text"))}
        want = known[path] if path in known else agreed(values)
        for name, got in values.items():
            if got != want:
                found += apart(name, path, got, want)
    return found


def main():
    absent = {name: missing(name) for name in READERS if missing(name) is not None}
    records = load(sys.argv[1:])
    listed = lay_out(records)
    readings = read(listed, len(records))
    passed = failed = 0
    shown = {defect.name: 0 for defect in DEFECTS}
    for i, record in enumerate(records):
        left = []
        for difference in differences(record, {name: values[i] for name, values in readings.items()}):
            defect = next((d for d in DEFECTS if d.explains(difference, record["text"])), None)
            if defect is None:
                left.append(difference)
            else:
                shown[defect.name] += 1
        if left:
            failed += 1
            print("FAIL %s (build/corpus/mail/%d.eml)" % (bencode.text(record["test"]), i + 1))
            for difference in left:
                print("  " + ascii(str(difference)))
        else:
            passed += 1
    for defect in DEFECTS:
        if defect.reader in absent or (os.environ.get("READERS_PART") and not shown[defect.name]):
            continue
        if shown[defect.name]:
            print("known: %s: %s (%d times)" % (defect.reader, defect.name, shown[defect.name]))
            passed += 1
        else:
            print("FAIL %s: %s: no message shows it any more" % (defect.reader, defect.name))
            failed += 1
    for name, reason in absent.items():
        print("SKIP %s: %s" % (name, reason))
    print("%d messages read by %s" % (len(records), ", ".join(readings)))
    print("%d passed, %d failed, %d skipped" % (passed, failed, len(absent)))
    return 1 if failed else 0


sys.exit(main())

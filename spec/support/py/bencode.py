"""Bencoding: integers, byte strings, lists and dictionaries. What the readers of mail and the specs, in four languages,
tell each other, because it holds any bytes and takes a few lines to write."""


def encode(value):
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogateescape")
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, dict):
        return b"d" + b"".join(encode(k) + encode(v) for k, v in value.items() if v is not None) + b"e"
    return b"l" + b"".join(encode(v) for v in value) + b"e"


def decode(data, at=0):
    """The value at that offset, and the offset behind it. Keys are text, all else is bytes."""
    kind = data[at:at + 1]
    if kind == b"i":
        end = data.index(b"e", at)
        return int(data[at + 1:end]), end + 1
    if kind in (b"l", b"d"):
        at += 1
        items = []
        while data[at:at + 1] != b"e":
            value, at = decode(data, at)
            items.append(value)
        return (items if kind == b"l" else dict(zip(map(text, items[::2]), items[1::2]))), at + 1
    colon = data.index(b":", at)
    end = colon + 1 + int(data[at:colon])
    if end > len(data):
        raise ValueError("cut off")
    return data[colon + 1:end], end


def text(value):
    """Byte strings within a value as text; what is no UTF-8 in them stays visible as surrogates."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, list):
        return [text(v) for v in value]
    if isinstance(value, dict):
        return {k: text(v) for k, v in value.items()}
    return value


def decode_all(data):
    """All values that stand one behind another; the last may be cut off."""
    values, at = [], 0
    while at < len(data):
        try:
            value, at = decode(data, at)
        except (ValueError, IndexError):
            break
        values.append(value)
    return values

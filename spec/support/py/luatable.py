"""Writes values as Lua table literals, which every Lua reads without a library: `return {...}`."""


def quote(data):
    """A Lua string literal of these bytes (text: its UTF-8), in plain ASCII."""
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogateescape")
    # Three digits always: a digit may follow.
    return '"' + "".join(chr(b) if 32 <= b < 127 and b not in b'"\\' else "\\%03d" % b for b in data) + '"'


def literal(value):
    if value is None:
        return "nil"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (str, bytes)):
        return quote(value)
    if isinstance(value, dict):
        return "{" + ",".join("[%s]=%s" % (literal(k), literal(v)) for k, v in value.items()) + "}"
    return "{" + ",".join(literal(v) for v in value) + "}"


def chunk(value):
    return "return " + literal(value) + "\n"

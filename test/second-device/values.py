"""Encoded values [HF-8] as JSON for people."""

import base64
import datetime
import hashlib
import hmac
import math
import struct

import cbor

ITEMS = {
    "int8array": "b",
    "uint8clampedarray": "B",
    "int16array": "h",
    "uint16array": "H",
    "int32array": "i",
    "uint32array": "I",
    "float32array": "f",
    "float64array": "d",
    "bigint64array": "q",
    "biguint64array": "Q",
}


def show(data):
    """Raises Malformed for bytes that are no value."""
    return _show(cbor.decode(data, cbor.VALUE))


def _show(item):
    if item is cbor.UNDEFINED:
        return None
    if isinstance(item, float) and not math.isfinite(item):
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(item, "NaN")
    if isinstance(item, bytes):
        return {"$": "bytes", "base64": base64.b64encode(item).decode()}
    if isinstance(item, list):
        return [_show(each) for each in item]
    if not isinstance(item, dict):
        return item
    if "$" not in item:
        return {key: _show(each) for key, each in item.items()}
    kind = item["$"]
    if not isinstance(kind, str) or kind not in KINDS:
        raise cbor.Malformed("a kind that is not known")
    return KINDS[kind](item.get("v", cbor.UNDEFINED))


def _of(kind, content):
    if not isinstance(content, kind):
        raise cbor.Malformed("content that its kind does not have")
    return content


def _bigint(content):
    try:
        return str(int(_of(str, content)))
    except ValueError as error:
        raise cbor.Malformed("no integer") from error


def _utf16(content):
    return _of(bytes, content).decode("utf-16-le", errors="surrogatepass").encode(
        "utf-16-le", errors="surrogatepass"
    ).decode("utf-16-le", errors="replace")


def _date(content):
    if content is None:
        return "Invalid Date"
    if isinstance(content, bool) or not isinstance(content, (int, float)):
        raise cbor.Malformed("no date")
    start = datetime.datetime(1970, 1, 1)
    at = start + datetime.timedelta(milliseconds=content)
    return at.isoformat(timespec="milliseconds") + "Z"


def _pairs(content):
    return {str(_show(key)): _show(item) for key, item in _of(list, content)}


def _map(content):
    if all(isinstance(key, str) for key, _ in _of(list, content)):
        return _pairs(content)
    return [[_show(key), _show(item)] for key, item in content]


def _list(content):
    return [_show(item) for item in _of(list, content)]


def _regexp(content):
    source, flags, _ = _list(content)
    return f"/{source}/{flags}"


def _error(content):
    tree = _of(dict, content)
    shown = {"$": "error", **_pairs(tree.get("fields", []))}
    shown["name"] = _show(tree.get("name", cbor.UNDEFINED))
    shown["message"] = _show(tree.get("message", ""))
    for key in ("cause", "stack"):
        if key in tree:
            shown[key] = _show(tree[key])
    if "errors" in tree:
        shown["errors"] = _list(tree["errors"])
    return shown


def _sealed(word):
    def read(content):
        _commitment, size, *shown = _of(list, content)
        return _show(shown[0]) if word is None else {"$": word, "size": _of(int, size)}

    return read


def sealed(kind, salt, content, shown=None):
    """The encoded value that stands for an encoded one [HF-8.6]."""
    commitment = hmac.new(salt, content, hashlib.sha256).digest()
    leaves = [] if shown is None else [cbor.decode(shown, cbor.VALUE)]
    return cbor.encode({"$": kind, "v": [commitment, len(content), *leaves]})


def read_sealed(data):
    """Kind, commitment, size and what is shown. Raises Malformed for what is none."""
    item = _of(dict, cbor.decode(data, cbor.VALUE))
    commitment, size, *shown = _of(list, item.get("v"))
    if len(_of(bytes, commitment)) != 32:
        raise cbor.Malformed("no commitment")
    return item["$"], commitment, _of(int, size), shown


def _parts(content):
    _digest, size, _count = _of(list, content)
    return {"$": "parts", "size": _of(int, size)}


def parted(value, count):
    """The encoded value that stands for one in the `count` entries before it [HF-8.11]."""
    return cbor.encode({"$": "parts", "v": [hashlib.sha256(value).digest(), len(value), count]})


def read_parted(data):
    """Hash, size and count. Raises Malformed for what is none."""
    digest, size, count = _of(list, _of(dict, cbor.decode(data, cbor.VALUE)).get("v"))
    if len(_of(bytes, digest)) != 32 or _of(int, size) < 1 or _of(int, count) < 1:
        raise cbor.Malformed("no hash, size or count")
    return digest, size, count


def join(data, parts):
    """The value that these entries (their fields) make up. Raises Malformed for none."""
    digest, size, count = read_parted(data)
    whole = b"".join(part["part"] for part in parts)
    if [part["left"] for part in parts] != list(range(count, 0, -1)):
        raise cbor.Malformed("a part is missing")
    if len(whole) != size or hashlib.sha256(whole).digest() != digest:
        raise cbor.Malformed("the parts are of another value")
    return whole


def _typed_array(layout):
    def read(content):
        items = [item for (item,) in struct.iter_unpack(f"<{layout}", _of(bytes, content))]
        return [str(item) for item in items] if layout in "qQ" else items

    return read


KINDS = {
    "bigint": _bigint,
    "number": lambda content: _of(str, content),
    "utf16": _utf16,
    "object": _pairs,
    "bare": _pairs,
    "date": _date,
    "map": _map,
    "set": _list,
    "regexp": _regexp,
    "url": lambda content: _of(str, content),
    "arraybuffer": lambda content: _show(_of(bytes, content)),
    "dataview": lambda content: _show(_of(bytes, content)),
    "buffer": lambda content: _show(_of(bytes, content)),
    "error": _error,
    "local": _sealed("local"),
    "redacted": _sealed(None),
    "erasable": _sealed("erased"),
    "parts": _parts,
    **{kind: _typed_array(layout) for kind, layout in ITEMS.items()},
}

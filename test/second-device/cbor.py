"""The part of CBOR that the protocol allows [HF-3]: encode, decode within bounds, and show."""

import json
import math
import struct


class Malformed(ValueError):
    """Bytes that are not of the protocol."""


class Undefined:
    """CBOR's `undefined`, which is not `null`."""

    def __repr__(self):
        return "undefined"


UNDEFINED = Undefined()
SIMPLE = {20: False, 21: True, 22: None, 23: UNDEFINED}
FLOATS = {25: ">e", 26: ">f", 27: ">d"}


def encode(value):
    """Bytes of a value; heads are as short as they can be [HF-3.4]."""
    if value is None or value is UNDEFINED or isinstance(value, bool):
        return bytes([0xE0 | {None: 22, UNDEFINED: 23, False: 20, True: 21}[value]])
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        text = value.encode()
        return _head(3, len(text)) + text
    if isinstance(value, (list, tuple)):
        return _head(4, len(value)) + b"".join(map(encode, value))
    if isinstance(value, dict):
        pairs = (encode(key) + encode(item) for key, item in value.items())
        return _head(5, len(value)) + b"".join(pairs)
    raise TypeError(f"no CBOR for {type(value).__name__}")


def _head(major, argument):
    if argument < 24:
        return bytes([major << 5 | argument])
    for info, width in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if argument < 1 << 8 * width:
            return bytes([major << 5 | info]) + argument.to_bytes(width, "big")
    raise OverflowError("an integer has at most 64 bits")


class Bounds:
    """What a reader takes [HF-3.3]. `depth`: containers within each other."""

    def __init__(self, size, items, depth):
        self.size, self.items, self.depth = size, items, depth


ENVELOPE = Bounds(61_440, 4_096, 7)
PAYLOAD = Bounds(524_288, 5_121, 2)
ENTRY = Bounds(57_344, 64, 3)
VALUE = Bounds(57_344, 57_344, 263)


def decode(data, bounds):
    """The one item that the bytes are. Raises Malformed."""
    if len(data) > bounds.size:
        raise Malformed("too many bytes")
    reader = _Reader(data, bounds)
    value = reader.item(0)
    if reader.at != len(data):
        raise Malformed("bytes behind the end")
    return value


class _Reader:
    def __init__(self, data, bounds):
        self.data, self.bounds, self.at, self.items = data, bounds, 0, 0

    def take(self, count):
        if count > len(self.data) - self.at:
            raise Malformed("the bytes end too early")
        self.at += count
        return self.data[self.at - count : self.at]

    def item(self, depth):
        self.items += 1
        if self.items > self.bounds.items:
            raise Malformed("too many items")
        first = self.take(1)[0]
        major, info = first >> 5, first & 31
        if major == 7:
            return self.simple(info)
        argument = self.argument(info)
        if major == 0:
            return argument
        if major == 1:
            return -1 - argument
        if major == 2:
            return self.take(argument)
        if major == 3:
            return self.text(argument)
        if major == 6:
            raise Malformed("a tag")
        return self.container(major, argument, depth)

    def argument(self, info):
        if info < 24:
            return info
        if info > 27:
            raise Malformed("an indefinite length")
        return int.from_bytes(self.take(1 << info - 24), "big")

    def text(self, count):
        try:
            return self.take(count).decode()
        except UnicodeDecodeError as error:
            raise Malformed("text that is not UTF-8") from error

    def container(self, major, count, depth):
        # Each item takes a byte at least: a count beyond the bytes that are left is a lie.
        if count * (2 if major == 5 else 1) > len(self.data) - self.at:
            raise Malformed("a count beyond the end")
        if depth >= self.bounds.depth:
            raise Malformed("nested too deep")
        if major == 4:
            return [self.item(depth + 1) for _ in range(count)]
        return dict(self.pair(depth + 1) for _ in range(count))

    def pair(self, depth):
        key = self.item(depth)
        if not isinstance(key, str):
            raise Malformed("a key that is not text")
        return key, self.item(depth)

    def simple(self, info):
        if info in SIMPLE:
            return SIMPLE[info]
        if info not in FLOATS:
            raise Malformed("a simple value that is not of the protocol")
        layout = FLOATS[info]
        return struct.unpack(layout, self.take(struct.calcsize(layout)))[0]


def diagnostic(value):
    """Diagnostic notation; floats always have a point, an exponent or a name."""
    if value is None or value is UNDEFINED or isinstance(value, bool):
        return {None: "null", UNDEFINED: "undefined", False: "false", True: "true"}[value]
    if isinstance(value, float):
        if math.isnan(value):
            return "NaN"
        if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        return repr(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, bytes):
        return f"h'{value.hex()}'"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return f"[{', '.join(map(diagnostic, value))}]"
    pairs = (f"{diagnostic(key)}: {diagnostic(item)}" for key, item in value.items())
    return f"{{{', '.join(pairs)}}}"

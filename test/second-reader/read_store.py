"""Reads a store that is not encrypted, written from docs/JOURNAL.md alone: every entry of the
journal, a line of JSON each, with the chain of each lane checked. Needs no LevelDB.

    python3 read_store.py DATA_DIR/store
"""

import hashlib
import json
import os
import sys

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "second-device"))
import cbor

LANES = ["urgent", "normal", "bulk"]


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at, value, shift = at + 1, value | (byte & 127) << shift, shift + 7
        if byte < 128:
            return value, at


def crc_register(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 255] ^ (crc >> 8)
    return crc


def crc32c(data):
    crc = crc_register(data) ^ 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def crc_of(byte):
    for _ in range(8):
        byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
    return byte


CRC_TABLE = [crc_of(byte) for byte in range(256)]


def log_records(data):
    """Whole records of a log file; what is torn at its end is left out."""
    record, at = b"", 0
    while at + 7 <= len(data):
        left = 32768 - at % 32768
        if left < 7:
            at += left
            continue
        size, kind = int.from_bytes(data[at + 4 : at + 6], "little"), data[at + 6]
        fragment = data[at + 7 : at + 7 + size]
        crc = int.from_bytes(data[at : at + 4], "little")
        if kind == 0 or crc != crc32c(data[at + 6 : at + 7] + fragment):
            return
        record = fragment if kind in (1, 2) else record + fragment
        if kind in (1, 4):
            yield record
        at += 7 + size


def log_rows(data):
    for record in log_records(data):
        sequence, count = (int.from_bytes(part, "little") for part in (record[:8], record[8:12]))
        at = 12
        for n in range(count):
            kind, (size, at) = record[at], varint(record, at + 1)
            key, at, value = record[at : at + size], at + size, None
            if kind == 1:
                size, at = varint(record, at)
                value, at = record[at : at + size], at + size
            yield key, sequence + n, value


def unsnappy(data):
    size, at = varint(data, 0)
    out = bytearray()
    while at < len(data):
        tag, at = data[at], at + 1
        if tag & 3 == 0:
            length = (tag >> 2) + 1
            if length > 60:
                extra, length = length - 60, 0
                length, at = int.from_bytes(data[at : at + extra], "little") + 1, at + extra
            out += data[at : at + length]
            at += length
            continue
        if tag & 3 == 1:
            length, offset, at = (tag >> 2 & 7) + 4, tag >> 5 << 8 | data[at], at + 1
        else:
            width = 2 if tag & 3 == 2 else 4
            length, offset = (tag >> 2) + 1, int.from_bytes(data[at : at + width], "little")
            at += width
        for _ in range(length):
            out.append(out[-offset])
    assert len(out) == size
    return bytes(out)


def block(data, handle):
    offset, at = varint(handle, 0)
    size, _ = varint(handle, at)
    body, kind = data[offset : offset + size], data[offset + size]
    crc = data[offset + size + 1 : offset + size + 5]
    assert int.from_bytes(crc, "little") == crc32c(body + bytes([kind])), "a block has changed"
    plain = unsnappy(body) if kind == 1 else body
    end = len(plain) - 4 - 4 * int.from_bytes(plain[-4:], "little")
    key, at = b"", 0
    while at < end:
        shared, at = varint(plain, at)
        rest, at = varint(plain, at)
        size, at = varint(plain, at)
        key, at = key[:shared] + plain[at : at + rest], at + rest
        yield key, plain[at : at + size]
        at += size


def table_rows(data):
    footer = data[-48:]
    assert footer[40:] == bytes.fromhex("57fb808b247547db"), "it is no table"
    _, at = varint(footer, 0)
    _, at = varint(footer, at)
    for _, handle in block(data, footer[at:40]):
        for key, value in block(data, handle):
            tag = int.from_bytes(key[-8:], "little")
            yield key[:-8], tag >> 8, value if tag & 255 == 1 else None


def live_files(path):
    """Numbers of the tables that count, and the first log that does, by the MANIFEST."""
    manifest = contents(path, contents(path, "CURRENT").decode().strip())
    tables, log = set(), 0
    for record in log_records(manifest):
        at = 0

        def number():
            nonlocal at
            value, at = varint(record, at)
            return value

        def text():
            nonlocal at
            size = number()
            at += size

        while at < len(record):
            tag = number()
            if tag == 1:
                text()
            elif tag == 2:
                log = number()
            elif tag in (3, 4, 9):
                number()
            elif tag == 5:
                number(), text()
            elif tag == 6:
                number(), tables.discard(number())
            elif tag == 7:
                number(), tables.add(number()), number(), text(), text()
    return tables, log


def contents(path, name):
    with open(os.path.join(path, name), "rb") as file:
        return file.read()


def read(path):
    """The rows of a store: the newest value of each key."""
    newest = {}
    tables, first_log = live_files(path)
    for name in os.listdir(path):
        stem, kind = os.path.splitext(name)
        if kind == ".ldb" and int(stem) in tables:
            found = table_rows(contents(path, name))
        elif kind == ".log" and int(stem) >= first_log:
            found = log_rows(contents(path, name))
        else:
            continue
        for key, sequence, value in found:
            if sequence >= newest.get(key, (-1, None))[0]:
                newest[key] = sequence, value
    return {key: value for key, (_, value) in newest.items() if value is not None}


def main(path):
    rows = read(path)
    mark = json.loads(rows[b"mholdfast"])
    for lane, name in enumerate(LANES):
        acked = int.from_bytes(rows.get(b"a" + bytes([lane]), b"")[:6], "big")
        start = f"holdfast/1/{mark['device']}/{mark['epoch']}/{name}"
        digest = hashlib.sha256(start.encode()).digest()
        keys = sorted(key for key in rows if key[:2] == b"e" + bytes([lane]))
        expected = 1
        for key in keys:
            seq, value = int.from_bytes(key[2:], "big"), rows[key]
            while seq != expected:
                row = rows[b"x" + bytes([lane]) + expected.to_bytes(6, "big")]
                first, last, before, after, *_ = cbor.decode(row, cbor.ENTRY)
                assert first == expected and before == digest, f"{name} {seq} joins on to nothing"
                digest, expected = after, last + 1
            hash_size, sum_at = (32, 38) if seq % 4 == 0 else (2, 2)
            _, at = varint(value, sum_at + 2)
            digest = hashlib.sha256(digest + value[at:]).digest()
            assert digest[:hash_size] == value[:hash_size], f"{name} {seq} is not what was journaled"
            total = int.from_bytes(value[sum_at : sum_at + 2], "big")
            assert total == crc_register(value[sum_at + 2 :]) & 0xFFFF, f"{name} {seq} is harmed"
            expected += 1
            line = {"lane": name, "seq": seq, "acked": seq <= acked, "bytes": value[at:].hex()}
            print(json.dumps(line))


main(sys.argv[1])

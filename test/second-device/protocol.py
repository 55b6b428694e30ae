"""Messages, entries, envelopes and chains of protocol 1."""

import hashlib
import re
import zlib

import cbor
import keys

UINT_MAX = 2**53 - 1
LANES = ("urgent", "normal", "bulk")
DEVICE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

# A type reads a decoded item and writes one. Records are lists of (field, type) [HF-3.5].


class Uint:
    def __init__(self, largest=UINT_MAX):
        self.largest = largest

    def read(self, item):
        if type(item) is not int or not 0 <= item <= self.largest:
            raise cbor.Malformed("no number of this field")
        return item

    def write(self, value):
        return self.read(value)


class Text:
    def __init__(self, units):
        self.units = units

    def read(self, item):
        if not isinstance(item, str) or len(item.encode("utf-16-le")) // 2 > self.units:
            raise cbor.Malformed("no text of this field")
        return item

    def write(self, value):
        return self.read(value)


class Bytes:
    def __init__(self, most, exact=False):
        self.most, self.exact = most, exact

    def read(self, item):
        if not isinstance(item, bytes) or len(item) > self.most:
            raise cbor.Malformed("no bytes of this field")
        if self.exact and len(item) != self.most:
            raise cbor.Malformed("bytes of another size")
        return item

    def write(self, value):
        return self.read(value)


class Choice:
    def __init__(self, *words):
        self.words = words

    def read(self, item):
        if type(item) is not int or not 0 <= item < len(self.words):
            raise cbor.Malformed("no word of this field")
        return self.words[item]

    def write(self, value):
        return self.words.index(value)


class OpenChoice(Choice):
    """A word that a later version has added is None."""

    def read(self, item):
        if type(item) is int and item >= len(self.words):
            return None
        return super().read(item)


class List:
    def __init__(self, item, most, least=0):
        self.item, self.most, self.least = item, most, least

    def read(self, item):
        if not isinstance(item, list) or not self.least <= len(item) <= self.most:
            raise cbor.Malformed("no list of this field")
        return [self.item.read(each) for each in item]

    def write(self, value):
        return [self.item.write(each) for each in value]


def PerLane(**fields):
    return List(Record(**fields), 3, 3)


class Record:
    def __init__(self, **fields):
        self.fields = fields

    def read(self, item):
        # More items than fields are of a later version.
        if not isinstance(item, list) or len(item) < len(self.fields):
            raise cbor.Malformed("no record, or too few fields")
        return {name: kind.read(each) for (name, kind), each in zip(self.fields.items(), item)}

    def write(self, values):
        if values.keys() != self.fields.keys():
            raise KeyError(f"fields are {list(values)}, not {list(self.fields)}")
        return [kind.write(values[name]) for name, kind in self.fields.items()]


uint = Uint()
digest = Bytes(32, exact=True)
identifier = Bytes(8, exact=True)
name = Text(128)
value = Bytes(57_344)

# [HF-5], in the order of their numbers.
MESSAGES = {
    "hello": Record(
        protocolMin=Uint(65_535),
        protocolMax=Uint(65_535),
        device=Text(64),
        epoch=uint,
        incarnation=identifier,
        session=identifier,
        agentVersion=Text(32),
        publicKey=Bytes(256),
        lanes=PerLane(head=uint, headHash=digest, acked=uint, ackedHash=digest),
        lastCommand=uint,
        sentAtMs=uint,
        machine=Bytes(32),
        boot=uint,
        monoMs=uint,
    ),
    "welcome": Record(
        protocol=Uint(65_535),
        session=identifier,
        gateway=Text(64),
        publicKey=Bytes(256),
        nowMs=uint,
        lanes=PerLane(watermark=uint, hash=digest, verdict=Choice("ok", "rewound", "forked")),
        batchBytesMax=uint,
        inflightMax=Uint(1_024),
        reportEveryMs=uint,
        reconnectSpreadMs=uint,
        epoch=uint,
    ),
    "batch": Record(
        epoch=uint,
        lane=Choice(*LANES),
        seqFirst=uint,
        count=Uint(1_024),
        previousHash=digest,
        encoding=Choice("plain", "deflate"),
        plainBytes=Uint(524_288),
        payload=Bytes(61_440),
        hash=digest,
    ),
    "ack": Record(
        epoch=uint,
        lane=Choice(*LANES),
        watermark=uint,
        hash=digest,
        missingFrom=uint,
        slowMs=uint,
        kept=List(Record(seqFirst=uint, seqLast=uint), 16),
    ),
    "report": Record(
        epoch=uint,
        atMs=uint,
        agentVersion=Text(32),
        lanes=PerLane(head=uint, acked=uint, backlogBytes=uint, oldestAtMs=uint),
        runs=List(Record(state=Text(32), count=uint), 16),
        boot=uint,
        monoMs=uint,
    ),
    "commands": Record(
        commands=List(
            Record(
                number=uint,
                kind=OpenChoice(
                    *("call.completed", "call.failed", "run.start", "run.signal", "run.cancel"),
                    *("run.pause", "run.resume", "run.retry", "step.skip", "step.complete"),
                    *("step.fail", "config.set", "void", "run.fork", "key.rotate"),
                ),
                expiresAtMs=uint,
                run=name,
                op=uint,
                key=name,
                payload=value,
                name=name,
            ),
            64,
        )
    ),
    "refusal": Record(code=Text(64), why=Text(512), retryAfterMs=uint, of=Bytes(8)),
    "hole": Record(
        epoch=uint,
        lane=Choice(*LANES),
        seqFirst=uint,
        seqLast=uint,
        previousHash=digest,
        hash=digest,
        reason=Choice("shed", "damaged", "trimmed", "oversize", "refused"),
        bytes=uint,
        firstAtMs=uint,
        lastAtMs=uint,
    ),
}
KINDS = list(MESSAGES)

# [HF-7]: the kinds that this device writes, with their numbers.
STAMP = {"atMs": uint, "boot": uint, "monoMs": uint}
OF_RUN = {**STAMP, "run": name, "n": uint}
OF_OP = {**OF_RUN, "op": uint, "name": name}
ENTRIES = {
    "run.started": (
        0,
        Record(
            **OF_RUN,
            workflow=name,
            version=uint,
            uid=name,
            input=value,
            parent=Text(128),
            parentOp=uint,
            traceparent=Text(55),
        ),
    ),
    "run.completed": (1, Record(**OF_RUN, output=value)),
    "call.requested": (
        12,
        Record(**OF_OP, key=name, expiresAtMs=uint, input=value, traceparent=Text(55)),
    ),
    "call.completed": (13, Record(**OF_OP, command=uint, result=value)),
    "call.failed": (14, Record(**OF_OP, command=uint, error=value)),
    "event.emitted": (15, Record(**OF_OP, payload=value)),
    "value.part": (31, Record(**OF_RUN, left=uint, part=Bytes(57_344))),
    "command.receipt": (
        16,
        Record(
            **STAMP,
            command=uint,
            outcome=Choice("applied", "expired", "rejected"),
            reason=Text(1_024),
            key=name,
        ),
    ),
}


def encode_entry(kind, fields):
    number, record = ENTRIES[kind]
    return cbor.encode([number, *record.write(fields)])


def chain_start(device, epoch, lane):
    return hashlib.sha256(f"holdfast/1/{device}/{epoch}/{lane}".encode("ascii")).digest()


def chain_next(previous, entry):
    return hashlib.sha256(previous + entry).digest()


def signed_bytes(device, kind, body):
    """What the signature covers [HF-4.2]."""
    return f"holdfast/1/{device}/{kind}/".encode("ascii") + body


def seal(device, kind, fields, key_file):
    body = cbor.encode(MESSAGES[kind].write(fields))
    signature = keys.sign(key_file, signed_bytes(device, kind, body))
    return cbor.encode([KINDS.index(kind), body, signature])


class Envelope:
    """A message as it came, not yet known to be genuine."""

    def __init__(self, device, data):
        fields = Record(
            kind=Choice(*KINDS), body=Bytes(61_440), signature=Bytes(128)
        ).read(cbor.decode(data, cbor.ENVELOPE))
        self.kind, self.signature = fields["kind"], fields["signature"]
        self.fields = MESSAGES[self.kind].read(cbor.decode(fields["body"], cbor.ENVELOPE))
        self.signed = signed_bytes(device, self.kind, fields["body"])

    def is_genuine(self, public_key):
        return keys.is_genuine(public_key, self.signed, self.signature)


CARRIED = Record(entry=Bytes(57_344), subject=Text(128), salt=Bytes(32, exact=True), content=Bytes(57_344))


class Item:
    """An entry, or one with what its erasable value has sealed [HF-5.4]."""

    def read(self, item):
        return Bytes(57_344).read(item) if isinstance(item, bytes) else CARRIED.read(item)


def pack(entries, deflate):
    """The fields of a batch that hold its entries, or records of CARRIED [HF-5.4]."""
    plain = cbor.encode([each if isinstance(each, bytes) else CARRIED.write(each) for each in entries])
    payload = plain
    if deflate:
        packer = zlib.compressobj(wbits=-15)
        payload = packer.compress(plain) + packer.flush()
    return {
        "count": len(entries),
        "encoding": "deflate" if deflate else "plain",
        "plainBytes": len(plain),
        "payload": payload,
    }


def unpack(encoding, payload, plain_bytes, count):
    plain = payload if encoding == "plain" else _inflate(payload, plain_bytes)
    if len(plain) != plain_bytes:
        raise cbor.Malformed("another size than it says")
    entries = List(Item(), 1_024).read(cbor.decode(plain, cbor.PAYLOAD))
    if len(entries) != count:
        raise cbor.Malformed("another count than it says")
    return entries


def _inflate(payload, most):
    unpacker = zlib.decompressobj(wbits=-15)
    try:
        # One more than it may be tells that it is too long.
        plain = unpacker.decompress(payload, most + 1)
    except zlib.error as error:
        raise cbor.Malformed("it does not inflate") from error
    if not unpacker.eof or unpacker.unused_data:
        raise cbor.Malformed("it does not end where it should")
    return plain

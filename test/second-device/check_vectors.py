"""Checks the vectors of a folder: python3 check_vectors.py FOLDER.

Prints one line of JSON for each file: {"file", "checked", "wrong": [[name, why], …]}.
"""

import json
import math
import os
import sys

import cbor
import protocol
import values


def as_json(value):
    """As the vectors write fields: bytes are {"hex": …}."""
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, list):
        return [as_json(each) for each in value]
    if isinstance(value, dict):
        return {key: as_json(each) for key, each in value.items()}
    return value


def same(what, found, wanted):
    if found != wanted:
        raise AssertionError(f"{what} is {found}, not {wanted}")


def refuses(read):
    try:
        read()
    except cbor.Malformed:
        return
    raise AssertionError("it was not refused")


def check_value(vector, _file):
    data = bytes.fromhex(vector["hex"])
    if "shows" not in vector:
        return refuses(lambda: values.show(data))
    same("diagnostic", cbor.diagnostic(cbor.decode(data, cbor.VALUE)), vector["diagnostic"])
    same("shown", values.show(data), vector["shows"])


def check_sealed(vector, _file):
    data = bytes.fromhex(vector["hex"])
    if "shows" not in vector:
        return refuses(lambda: values.read_sealed(data))
    kind, commitment, size, _ = values.read_sealed(data)
    same("kind", kind, vector["kind"])
    same("commitment", commitment.hex(), vector["commitment"])
    same("size", size, vector["size"])
    same("shown", values.show(data), vector["shows"])
    salt, content = bytes.fromhex(vector["salt"]), bytes.fromhex(vector["content"])
    shown = bytes.fromhex(vector["shown"]) if "shown" in vector else None
    same("sealed", values.sealed(kind, salt, content, shown).hex(), vector["hex"])


def check_parts(vector, _file):
    data = bytes.fromhex(vector["hex"])
    if "parts" not in vector:
        return refuses(lambda: values.read_parted(data))
    same("shown", values.show(data), vector["shows"])
    _number, record = protocol.ENTRIES["value.part"]
    entries = [cbor.decode(bytes.fromhex(each), cbor.ENVELOPE) for each in vector["parts"]]
    parts = [record.read(items[1:]) for items in entries]
    if "value" not in vector:
        return refuses(lambda: values.join(data, parts))
    whole = values.join(data, parts)
    same("value", whole.hex(), vector["value"])
    same("what stands for it", values.parted(whole, len(parts)).hex(), vector["hex"])


def check_message(vector, _file):
    data = bytes.fromhex(vector["hex"])
    record = protocol.MESSAGES[vector["name"]]
    fields = record.read(cbor.decode(data, cbor.ENVELOPE))
    same("number", protocol.KINDS.index(vector["name"]), vector["number"])
    same("fields", as_json(fields), vector["fields"])
    same("diagnostic", cbor.diagnostic(cbor.decode(data, cbor.ENVELOPE)), vector["diagnostic"])
    same("encoded again", cbor.encode(record.write(fields)).hex(), vector["hex"])


def check_entry(vector, _file):
    data = bytes.fromhex(vector["hex"])
    items = cbor.decode(data, cbor.ENTRY)
    same("number", items[0], vector["number"])
    same("count of fields", len(items) - 1, len(vector["fields"]))
    same("diagnostic", cbor.diagnostic(items), vector["diagnostic"])
    same("encoded again", cbor.encode(items).hex(), vector["hex"])
    if vector["name"] in protocol.ENTRIES:
        number, record = protocol.ENTRIES[vector["name"]]
        same("number", number, vector["number"])
        fields = record.read(items[1:])
        same("fields", as_json(fields), vector["fields"])
        same("encoded", protocol.encode_entry(vector["name"], fields).hex(), vector["hex"])


def check_envelope(vector, file):
    data = bytes.fromhex(vector["hex"])
    if vector["verdict"] == "malformed":
        return refuses(lambda: protocol.Envelope(vector["device"], data))
    same("diagnostic", cbor.diagnostic(cbor.decode(data, cbor.ENVELOPE)), vector["diagnostic"])
    envelope = protocol.Envelope(vector["device"], data)
    key = bytes.fromhex(file["keys"][vector["key"]]["spki"])
    is_genuine = vector["verdict"] == "genuine"
    same("genuine", envelope.is_genuine(key), is_genuine)
    if is_genuine:
        same("signed", envelope.signed.hex(), vector["signed"])


def check_payload(vector, _file):
    sizes = vector["plainBytes"], vector["count"]

    def read():
        return protocol.unpack(vector["encoding"], bytes.fromhex(vector["hex"]), *sizes)

    if "entries" not in vector:
        return refuses(read)
    items = read()
    shown = [
        each.hex()
        if isinstance(each, bytes)
        else {key: part.hex() if isinstance(part, bytes) else part for key, part in each.items()}
        for each in items
    ]
    same("entries", shown, vector["entries"])
    if vector["encoding"] == "plain":
        same("encoded again", protocol.pack(items, False)["payload"].hex(), vector["hex"])


def check_chain(vector, _file):
    place = vector["device"], vector["epoch"], vector["lane"]
    last = protocol.chain_start(*place)
    same("start", last.hex(), vector["start"])
    for step in vector["steps"]:
        last = protocol.chain_next(last, bytes.fromhex(step["entry"]))
        same(f"hash at {step['seq']}", last.hex(), step["hash"])


CHECKS = {
    "values.json": check_value,
    "sealed.json": check_sealed,
    "parts.json": check_parts,
    "messages.json": check_message,
    "entries.json": check_entry,
    "envelopes.json": check_envelope,
    "payloads.json": check_payload,
    "chains.json": check_chain,
}


def check_file(path):
    with open(path, encoding="utf-8") as source:
        file = json.load(source)
    wrong = []
    for vector in file["vectors"]:
        try:
            CHECKS[os.path.basename(path)](vector, file)
        except (AssertionError, cbor.Malformed, KeyError, ValueError) as error:
            wrong.append([vector["name"], f"{type(error).__name__}: {error}"])
    return {"file": os.path.basename(path), "checked": len(file["vectors"]), "wrong": wrong}


if __name__ == "__main__":
    assert math.isnan(cbor.decode(bytes.fromhex("f97e00"), cbor.VALUE))
    for name in sorted(os.listdir(sys.argv[1])):
        print(json.dumps(check_file(os.path.join(sys.argv[1], name))))

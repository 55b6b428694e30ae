"""What a device goes through: python3 story.py PART HOST PORT DEVICE FOLDER.

Each part is a process of its own, as after a power cut. Prints lines of JSON for the test.
"""

import json
import os
import sys

import cbor
import keys
import protocol
import values
from device import Device, Refused
from journal import Journal

RUN = "order-1"


def say(what, **fields):
    print(json.dumps({"what": what, **fields}), flush=True)


def event(number):
    payload = cbor.encode({"reading": number})
    fields = {"run": "", "n": 0, "op": 0, "name": "reading", "payload": payload}
    return "bulk", "event.emitted", fields


def long_event(number, size):
    """One whose payload is too large for an entry: its parts come before it [HF-8.11]."""
    lane, kind, fields = event(number)
    payload, most = cbor.encode({"reading": number, "trace": "x" * size}), 40_000
    parts = [payload[at : at + most] for at in range(0, len(payload), most)]
    place = {"run": "", "n": 0}
    return [
        *(
            (lane, "value.part", {**place, "left": len(parts) - index, "part": part})
            for index, part in enumerate(parts)
        ),
        (lane, kind, {**fields, "payload": values.parted(payload, len(parts))}),
    ]


def first_life(device):
    """Sends, loses an ack, sends again, and dies with a batch on its way."""
    journal = device.journal
    device.connect()
    welcome = device.hello()
    say("welcome", marks=[lane["watermark"] for lane in welcome["lanes"]])
    device.report()

    journal.commit(*map(event, range(1, 6)))
    device.send_batch("bulk", 1, 5)
    lost = device.next("ack")
    say("lost", watermark=lost["watermark"])

    # Nothing of it is known to be there: all of it again, and what has come since.
    journal.commit(*map(event, range(6, 8)))
    device.drain("bulk", deflate=True)
    say("acked", watermark=journal.lanes["bulk"].acked, resentFrom=1)

    journal.commit(event(8))
    device.send_batch("bulk", 8, 8)
    device.link.cut()


def second_life(device):
    """Comes back, leaves a gap, makes a call, and applies the command that answers it."""
    journal = device.journal
    bulk = journal.lanes["bulk"]
    say("restarted", boot=journal.boot, head=bulk.head, acked=bulk.acked)
    device.connect()
    device.hello()
    device.drain("bulk")
    say("drained", watermark=bulk.acked)

    journal.commit(*map(event, range(9, 13)))
    device.send_batch("bulk", 11, 12)
    missing = device.take_ack(device.next("ack"))
    say("missing", seq=missing)
    device.drain("bulk")
    say("acked", watermark=bulk.acked)

    call(device)
    command = apply(device)
    device.connect()
    device.hello()
    again = device.next("commands")["commands"]
    say("repeated", numbers=[each["number"] for each in again])
    settle(device, command)

    # Whatever else the gateway had to say comes before the answer to this.
    device.hello()
    journal.commit(event(13))
    device.drain("bulk")
    journal.commit(*long_event(14, 100_000))
    # As they are they would not fit into one message.
    device.drain("bulk", deflate=True)
    left = [kind for kind, _ in device.waiting]
    say("end", lastCommand=journal.last_command, left=left, dropped=device.dropped)


def call(device):
    """A run that asks the gateway for something."""
    run = {"run": RUN, "n": 0}
    started = {"workflow": "doubling", "version": 1, "uid": "u-1"}
    parent = {"parent": "", "parentOp": 0, "traceparent": ""}
    device.journal.commit(
        ("normal", "run.started", {**run, **started, **parent, "input": cbor.encode(None)}),
        (
            "urgent",
            "call.requested",
            {
                **{"run": RUN, "n": 1, "op": 0, "name": "double"},
                **{"key": "u-1/0", "expiresAtMs": 0, "input": cbor.encode({"number": 21})},
                "traceparent": "",
            },
        ),
    )
    device.drain("normal")
    device.drain("urgent")


def apply(device):
    """Takes the command; the receipt is durable with it, and is not sent yet [HF-10.4]."""
    (command,) = device.next("commands")["commands"]
    if command["number"] != device.journal.last_command + 1:
        raise RuntimeError(f"command {command['number']} leaves a gap")
    if (command["run"], command["op"], command["key"]) != (RUN, 0, "u-1/0"):
        raise RuntimeError("nobody waits for this command")
    say("command", kind=command["kind"], number=command["number"])
    return command


def settle(device, command):
    """Effect, number and receipt in one commit, then the receipt goes up."""
    result = cbor.decode(command["payload"], cbor.VALUE)
    receipt = {"run": RUN, "n": 2, "op": 0, "name": "double", "command": command["number"]}
    device.journal.commit(
        ("urgent", "call.completed", {**receipt, "result": command["payload"]}),
        ("normal", "run.completed", {"run": RUN, "n": 3, "output": cbor.encode(result["number"])}),
        command=command["number"],
    )
    device.drain("urgent")
    device.drain("normal")
    say("settled", result=result)


def told(device):
    """Obeys what it knows, and says of the rest that it does not [HF-10.9]."""
    settings, unread = {}, 0
    device.connect()
    device.hello()
    while device.journal.last_command < 4:
        message = device.next("commands")
        if any(command["name"] == "strange" for command in message["commands"]):
            # It is taken for one that is not of the protocol [HF-10.10].
            unread += 1
            device.cannot_read(message, "no room for it")
            continue
        obey(device, message["commands"], settings)
        device.drain("urgent")
    say("told", settings=settings, lastCommand=device.journal.last_command, unread=unread)


def obey(device, commands, settings):
    for command in commands:
        if command["number"] != device.journal.last_command + 1:
            raise RuntimeError(f"command {command['number']} leaves a gap")
        outcome, reason = "applied", ""
        if command["kind"] == "config.set":
            settings[command["name"]] = cbor.decode(command["payload"], cbor.VALUE)
        elif command["kind"] == "void":
            outcome, reason = "rejected", cbor.decode(command["payload"], cbor.VALUE)
        else:
            outcome, reason = "rejected", "this device runs no workflows"
        receipt = {"command": command["number"], "outcome": outcome, "reason": reason}
        device.journal.commit(
            ("urgent", "command.receipt", {**receipt, "key": command["key"]}),
            command=command["number"],
        )


def refusals(device):
    """What the gateway does not take."""
    device.connect()
    tries = {
        "another key": lambda: other_key(device),
        "another version": lambda: device.hello(protocolMin=2, protocolMax=9),
        "no envelope": lambda: garbage(device),
        "an epoch that never began": lambda: batch(device, epoch=9),
        "another history": lambda: batch(device),
    }
    for what, attempt in tries.items():
        try:
            attempt()
            say("refused", attempt=what, code=None)
        except Refused as refusal:
            say("refused", attempt=what, code=refusal.code)


def other_key(device):
    path = os.path.join(os.path.dirname(device.key_file), "other.pem")
    keys.make_key(path)
    own = device.key_file, device.public_key
    device.key_file, device.public_key = path, keys.public_key(path)
    try:
        device.hello()
    finally:
        device.key_file, device.public_key = own


def garbage(device):
    device.send_bytes(b"\x9f not of the protocol")
    device.next("ack")


def batch(device, epoch=Journal.EPOCH):
    """A batch that says of itself to be seq 1 of bulk, and is not."""
    fields = {"run": "", "n": 0, "op": 0, "name": "forged", "payload": cbor.encode(0)}
    entry = protocol.encode_entry("event.emitted", {"atMs": 1, "boot": 1, "monoMs": 1, **fields})
    start = protocol.chain_start(device.device, epoch, "bulk")
    end = protocol.chain_next(start, entry)
    place = {"epoch": epoch, "lane": "bulk", "seqFirst": 1, "previousHash": start, "hash": end}
    device.send("batch", {**place, **protocol.pack([entry], deflate=False)})
    device.next("ack")


def about_somebody(device):
    """Facts that can be erased by whom they are about."""
    device.connect()
    device.hello()
    if device.journal.lanes["bulk"].head == 0:
        device.journal.commit(
            (*event(1), "customer-42"), (*event(2), "customer-43"), event(3)
        )
    # All of it, as after an ack that was lost.
    device.send_batch("bulk", 1, 3, deflate=True)
    device.take_ack(device.next("ack"))
    say("acked", watermark=device.journal.lanes["bulk"].acked)


PARTS = {
    "first-life": first_life,
    "second-life": second_life,
    "told": told,
    "about-somebody": about_somebody,
    "refusals": refusals,
}

if __name__ == "__main__":
    part, host, port, device_id, home = sys.argv[1:]
    os.makedirs(home, exist_ok=True)
    PARTS[part](Device(home, device_id, (host, int(port)), Journal(home, device_id)))

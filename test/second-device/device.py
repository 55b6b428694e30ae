"""A device: a journal, a key, and the rules of a session [HF-9]."""

import os
import time

import cbor
import keys
import mqtt
import protocol

AGENT_VERSION = "python-1"
ANSWER_S = 10.0
SLOW_MS_MAX = 15 * 60_000


class Refused(RuntimeError):
    """The gateway did not take a message [HF-9.8]."""

    def __init__(self, fields):
        super().__init__(f"{fields['code']}: {fields['why']}")
        self.code = fields["code"]


class Device:
    def __init__(self, folder, device, address, journal):
        self.device, self.address, self.journal = device, address, journal
        self.key_file = os.path.join(folder, "device.pem")
        self.pin_file = os.path.join(folder, "gateway.der")
        if not os.path.exists(self.key_file):
            keys.make_key(self.key_file)
        self.public_key = keys.public_key(self.key_file)
        self.incarnation = os.urandom(8)
        self.gateway_key = self._pinned()
        self.link = None
        self.welcome = None
        self.dropped = 0
        self.waiting = []

    def connect(self):
        if self.link is not None:
            self.link.cut()
        self.link = mqtt.Client(*self.address, self.device)
        self.link.subscribe(f"holdfast/1/{self.device}/down")

    def send(self, kind, fields, channel="up", key_file=None):
        data = protocol.seal(self.device, kind, fields, key_file or self.key_file)
        self.send_bytes(data, channel)

    def send_bytes(self, data, channel="up"):
        self.link.publish(f"holdfast/1/{self.device}/{channel}", data)

    def hello(self, **changes):
        """Says hello, and returns the welcome that answers it [HF-9.1]."""
        session = os.urandom(8)
        self.send("hello", {**self._hello(session), **changes})
        while True:
            welcome = self.next("welcome")
            if welcome["session"] == session:
                break
        self._pin(welcome["publicKey"])
        self.welcome = welcome
        for name, lane in zip(protocol.LANES, welcome["lanes"]):
            if lane["verdict"] != "ok" or lane["watermark"] > self.journal.lanes[name].head:
                raise RuntimeError(f"lane {name} is {lane['verdict']}")
            # Also where it is lower than what was acknowledged [HF-9.2].
            self.journal.lanes[name].acked = lane["watermark"]
        return welcome

    def send_batch(self, lane, first, last, deflate=False):
        entries = self.journal.lanes[lane].items(first, last)
        self.send(
            "batch",
            {
                "epoch": self.journal.EPOCH,
                "lane": lane,
                "seqFirst": first,
                "previousHash": self.journal.lanes[lane].hashes[first - 1],
                "hash": self.journal.lanes[lane].hashes[last],
                **protocol.pack(entries, deflate),
            },
        )

    def take_ack(self, ack):
        """Returns the seq to go back to, or None [HF-9.7]."""
        lane = self.journal.lanes[ack["lane"]]
        if lane.acked < ack["watermark"] <= lane.head:
            if lane.hashes[ack["watermark"]] != ack["hash"]:
                raise RuntimeError(f"the ledger has another history of {ack['lane']}")
            lane.acked = ack["watermark"]
        # It sends one lane at a time, so that a pause of the lane is one of its own [HF-9.17].
        time.sleep(min(ack["slowMs"], SLOW_MS_MAX) / 1000)
        return ack["missingFrom"] or None

    def drain(self, lane, deflate=False):
        """Sends what is not acknowledged until it is."""
        place = self.journal.lanes[lane]
        while place.acked < place.head:
            first = place.acked + 1
            self.send_batch(lane, first, self._last_that_fits(place, first), deflate)
            self.take_ack(self.next("ack"))

    @staticmethod
    def _last_that_fits(place, first):
        """A batch is one message [HF-3.3]."""
        size, last = 0, first
        for seq in range(first, place.head + 1):
            size += len(place.entries[seq])
            if size > 50_000:
                break
            last = seq
        return last

    def cannot_read(self, fields, why):
        """Says of a message that it cannot be read [HF-10.10]."""
        told = {"code": "HF_MESSAGE_INVALID", "why": why, "retryAfterMs": 0}
        self.send("refusal", {**told, "of": fields["tail"]})

    def report(self):
        lanes = [
            {
                "head": lane.head,
                "acked": lane.acked,
                "backlogBytes": sum(map(len, lane.entries[lane.acked + 1 :])),
                "oldestAtMs": 0 if lane.acked == lane.head else _now_ms(),
            }
            for lane in self.journal.lanes.values()
        ]
        fields = {
            "epoch": self.journal.EPOCH,
            "atMs": _now_ms(),
            "agentVersion": AGENT_VERSION,
            "lanes": lanes,
            "runs": [],
            **self.journal.by_monotonic(),
        }
        self.send("report", fields, channel="state")

    def next(self, kind):
        """The fields of the next message of a kind; those of other kinds wait for their turn."""
        deadline = time.monotonic() + ANSWER_S
        while True:
            for at, (other, fields) in enumerate(self.waiting):
                if other == kind:
                    del self.waiting[at]
                    return fields
                if other == "refusal":
                    del self.waiting[at]
                    raise Refused(fields)
            data = self.link.receive(deadline - time.monotonic())
            if data is None:
                raise TimeoutError(f"no {kind} came")
            self._hear(data)

    def _hear(self, data):
        try:
            envelope = protocol.Envelope(self.device, data)
        except cbor.Malformed:
            self.dropped += 1
            return
        key = self.gateway_key
        if key is None and envelope.kind == "welcome":
            key = envelope.fields["publicKey"]
        # Before a key is known, only a welcome proves itself; a refusal can but delay [HF-13.4].
        is_trusted = envelope.kind == "refusal" if key is None else envelope.is_genuine(key)
        if is_trusted:
            self.waiting.append((envelope.kind, {**envelope.fields, "tail": data[-8:]}))
        else:
            self.dropped += 1

    def _hello(self, session):
        return {
            "protocolMin": 1,
            "protocolMax": 1,
            "device": self.device,
            "epoch": self.journal.EPOCH,
            "incarnation": self.incarnation,
            "session": session,
            "agentVersion": AGENT_VERSION,
            "publicKey": self.public_key,
            "lanes": [
                {
                    "head": lane.head,
                    "headHash": lane.hashes[-1],
                    "acked": lane.acked,
                    "ackedHash": lane.hashes[lane.acked],
                }
                for lane in self.journal.lanes.values()
            ],
            "lastCommand": self.journal.last_command,
            "sentAtMs": _now_ms(),
            "machine": b"",
            **self.journal.by_monotonic(),
        }

    def _pinned(self):
        if not os.path.exists(self.pin_file):
            return None
        with open(self.pin_file, "rb") as file:
            return file.read()

    def _pin(self, public_key):
        """The first key that is seen stays [HF-13.2]."""
        if self.gateway_key is not None:
            return
        with open(self.pin_file, "wb") as file:
            file.write(public_key)
            file.flush()
            os.fsync(file.fileno())
        self.gateway_key = public_key


def _now_ms():
    return time.time_ns() // 1_000_000

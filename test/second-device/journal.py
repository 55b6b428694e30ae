"""A journal in a file: one line a commit, durable before `commit` returns [HF-6.4]."""

import json
import os
import time

import protocol
import values


class Lane:
    """Entries and hashes by seq; seq 0 has the start of the chain and no entry."""

    def __init__(self, start):
        self.entries, self.hashes, self.acked = [b""], [start], 0
        # What goes beside entries, by their seqs [HF-5.10].
        self.carried = {}

    @property
    def head(self):
        return len(self.entries) - 1

    def add(self, entry, beside=None):
        self.hashes.append(protocol.chain_next(self.hashes[-1], entry))
        self.entries.append(entry)
        if beside is not None:
            parts = {key: bytes.fromhex(beside[key]) for key in ("salt", "content")}
            self.carried[self.head] = {"entry": entry, "subject": beside["subject"], **parts}

    def items(self, first, last):
        """Entries as they travel."""
        seqs = range(first, last + 1)
        return [self.carried.get(seq, self.entries[seq]) for seq in seqs]


class Journal:
    EPOCH = 1

    def __init__(self, folder, device):
        self.device = device
        self.lanes = {
            lane: Lane(protocol.chain_start(device, self.EPOCH, lane)) for lane in protocol.LANES
        }
        self.last_command = 0
        self.boot = 1
        self.started_ns = time.monotonic_ns()
        path = os.path.join(folder, "journal")
        if os.path.exists(path):
            with open(path, encoding="ascii") as file:
                for line in file:
                    self._take(json.loads(line))
        self.file = open(path, "a", encoding="ascii")
        self._write({"boot": self.boot})

    def commit(self, *entries, command=None):
        """Appends (lane, kind, fields) and notes a command as applied: all of it or nothing."""
        stamp = {"atMs": time.time_ns() // 1_000_000, **self.by_monotonic()}
        encoded = [self._encoded(stamp, *entry) for entry in entries]
        line = {"entries": encoded}
        if command is not None:
            line["command"] = command
        self._write(line)
        self._take(line)

    def _encoded(self, stamp, lane, kind, fields, subject=None):
        """With a subject, the payload can be erased by it [HF-8.6]."""
        if subject is None:
            return [lane, protocol.encode_entry(kind, {**stamp, **fields}).hex()]
        salt, content = os.urandom(32), fields["payload"]
        payload = values.sealed("erasable", salt, content)
        entry = protocol.encode_entry(kind, {**stamp, **fields, "payload": payload})
        beside = {"subject": subject, "salt": salt.hex(), "content": content.hex()}
        return [lane, entry.hex(), beside]

    def by_monotonic(self):
        """The present by a clock that is never set: here each start of the program is a boot."""
        passed_ns = time.monotonic_ns() - self.started_ns
        return {"boot": self.boot, "monoMs": passed_ns // 1_000_000}

    def _take(self, line):
        for lane, entry, *beside in line.get("entries", []):
            self.lanes[lane].add(bytes.fromhex(entry), *beside)
        self.last_command = line.get("command", self.last_command)
        if "boot" in line:
            self.boot = line["boot"] + 1

    def _write(self, line):
        self.file.write(json.dumps(line) + "\n")
        self.file.flush()
        os.fsync(self.file.fileno())

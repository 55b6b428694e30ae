"""MQTT 3.1.1, as far as the protocol needs it [HF-2]: QoS 1 both ways, a clean session."""

import collections
import select
import socket
import time

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK = 0x10, 0x20, 0x30, 0x40, 0x82, 0x90
QOS_1 = 0x02
KEEPALIVE_S = 30
REASONS = {1: "version", 2: "client id", 3: "unavailable", 4: "user or password", 5: "not allowed"}


class LinkLost(ConnectionError):
    """The connection is over; what was on its way counts as lost [HF-2.5]."""


class Client:
    """One connection. Made anew after each loss."""

    def __init__(self, host, port, device, timeout=20.0):
        self.timeout = timeout
        self.packet_id = 0
        self.buffer = b""
        self.heard = collections.deque()
        try:
            self.socket = socket.create_connection((host, port), timeout)
        except OSError as error:
            raise LinkLost(str(error)) from error
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Flags: user name, clean session. The user name is the device [HF-2.2].
        head = _text("MQTT") + bytes([4, 0x82]) + KEEPALIVE_S.to_bytes(2, "big")
        self._write(CONNECT, head + _text(f"hf-{device}") + _text(device))
        body = self._await(CONNACK)
        if body[1] != 0:
            raise LinkLost(f"the broker refuses: {REASONS.get(body[1], body[1])}")

    def subscribe(self, topic):
        self._write(SUBSCRIBE, self._id() + _text(topic) + b"\x01")
        if self._await(SUBACK)[2] != 1:
            raise LinkLost(f"the broker does not grant {topic}")

    def publish(self, topic, payload):
        """Returns once the broker has taken it, which promises nothing more [HF-1.3]."""
        self._write(PUBLISH | QOS_1, _text(topic) + self._id() + payload)
        self._await(PUBACK)

    def receive(self, timeout):
        """The payload of the next message, or None when none comes in time."""
        deadline = time.monotonic() + timeout
        while not self.heard:
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self._handle(self._packet(left))
        return self.heard.popleft()

    def cut(self):
        """Ends the connection as a power cut would: without a DISCONNECT."""
        self.socket.close()

    def _id(self):
        self.packet_id = self.packet_id % 65_535 + 1
        return self.packet_id.to_bytes(2, "big")

    def _await(self, wanted):
        deadline = time.monotonic() + self.timeout
        while True:
            packet = self._packet(deadline - time.monotonic())
            if packet is None:
                raise LinkLost("the broker does not answer")
            if packet[0] & 0xF0 == wanted & 0xF0:
                return packet[1]
            self._handle(packet)

    def _handle(self, packet):
        if packet is None or packet[0] & 0xF0 != PUBLISH:
            return
        first, body = packet
        at = 2 + int.from_bytes(body[:2], "big")
        if first & 0x06:
            self._write(PUBACK, body[at : at + 2])
            at += 2
        self.heard.append(body[at:])

    def _packet(self, timeout):
        """(first byte, body) of the next packet, or None when it is not whole in time."""
        deadline = time.monotonic() + timeout
        while True:
            packet = self._whole()
            if packet is not None:
                return packet
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                return None
            try:
                chunk = self.socket.recv(65_536)
            except OSError as error:
                raise LinkLost(str(error)) from error
            if not chunk:
                raise LinkLost("the broker has closed the connection")
            self.buffer += chunk

    def _whole(self):
        length, shift, at = 0, 0, 1
        while True:
            if at >= len(self.buffer):
                return None
            byte = self.buffer[at]
            length |= (byte & 127) << shift
            shift += 7
            at += 1
            if byte < 128:
                break
        if len(self.buffer) < at + length:
            return None
        packet = self.buffer[0], self.buffer[at : at + length]
        self.buffer = self.buffer[at + length :]
        return packet

    def _write(self, first, body):
        length, left = b"", len(body)
        while True:
            length += bytes([left % 128 | (128 if left > 127 else 0)])
            left //= 128
            if left == 0:
                break
        try:
            self.socket.sendall(bytes([first]) + length + body)
        except OSError as error:
            raise LinkLost(str(error)) from error


def _text(text):
    data = text.encode()
    return len(data).to_bytes(2, "big") + data

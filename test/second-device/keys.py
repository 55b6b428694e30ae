"""Signatures by the `openssl` command: its own are of P-256, it checks both kinds [HF-4.3]."""

import os
import subprocess
import tempfile

# SubjectPublicKeyInfo of a P-256 key, up to its uncompressed point.
SPKI_HEAD = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200") + b"\x04"
SPKI_SIZE = 91
# The same of an Ed25519 key, up to the 32 bytes of its point.
ED25519_HEAD = bytes.fromhex("302a300506032b6570032100")
ED25519_SIZE = 44


def _openssl(*args, data=b""):
    done = subprocess.run(["openssl", *args], input=data, capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.decode(errors="replace").strip())
    return done.stdout


def make_key(path):
    """Makes a private key in a file that only its owner can read."""
    made = ("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    pem = _openssl(*made)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())


def public_key(path):
    """SubjectPublicKeyInfo, DER."""
    return _openssl("pkey", "-in", path, "-pubout", "-outform", "DER")


def sign(path, data):
    """r and s, 32 bytes each."""
    return _from_der(_openssl("dgst", "-sha256", "-sign", path, data=data))


def is_genuine(spki, data, signature):
    """Whether the private half of this key has signed the bytes."""
    is_ed25519 = len(spki) == ED25519_SIZE and spki.startswith(ED25519_HEAD)
    is_p256 = len(spki) == SPKI_SIZE and spki.startswith(SPKI_HEAD)
    if not (is_ed25519 or is_p256) or len(signature) != 64:
        return False
    with tempfile.TemporaryDirectory() as folder:
        key, sealed, said = (os.path.join(folder, name) for name in ("key", "signature", "data"))
        _write(key, spki)
        _write(sealed, signature if is_ed25519 else _to_der(signature))
        _write(said, data)
        check = ["pkeyutl", "-verify", "-pubin", "-inkey", key, "-keyform", "DER", "-rawin"]
        if is_p256:
            check = [*check, "-digest", "sha256"]
        command = ["openssl", *check, "-in", said, "-sigfile", sealed]
        done = subprocess.run(command, capture_output=True, check=False)
    return done.returncode == 0


def _write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def _from_der(der):
    """SEQUENCE { r INTEGER, s INTEGER }, each with a leading zero where its first bit is set."""
    at, numbers = 2, []
    for _ in range(2):
        size = der[at + 1]
        numbers.append(int.from_bytes(der[at + 2 : at + 2 + size], "big"))
        at += 2 + size
    return b"".join(number.to_bytes(32, "big") for number in numbers)


def _to_der(signature):
    parts = b""
    for half in (signature[:32], signature[32:]):
        number = int.from_bytes(half, "big")
        content = number.to_bytes(number.bit_length() // 8 + 1, "big")
        parts += bytes([2, len(content)]) + content
    return bytes([0x30, len(parts)]) + parts

"""ECDSA over P-256 and SHA-256 by the `openssl` command [HF-4.3]."""

import os
import subprocess
import tempfile

# SubjectPublicKeyInfo of a P-256 key, up to its uncompressed point.
SPKI_HEAD = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200") + b"\x04"
SPKI_SIZE = 91


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
    if len(spki) != SPKI_SIZE or not spki.startswith(SPKI_HEAD) or len(signature) != 64:
        return False
    with tempfile.TemporaryDirectory() as folder:
        key, sealed = os.path.join(folder, "key"), os.path.join(folder, "signature")
        with open(key, "wb") as file:
            file.write(spki)
        with open(sealed, "wb") as file:
            file.write(_to_der(signature))
        check = ["openssl", "dgst", "-sha256", "-verify", key, "-keyform", "DER"]
        done = subprocess.run(
            [*check, "-signature", sealed], input=data, capture_output=True, check=False
        )
    return done.returncode == 0


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

"""Sealing of personal fields: AES-256-GCM under the key of one data subject (NIST SP 800-38D).

The associated data binds a ciphertext to its subject, event type and version, so that a sealed part moved
elsewhere does not open.
"""

import os
from binascii import a2b_base64, b2a_base64
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES: Final = 12


class SealBroken(Exception):
    """A sealed part does not open with the key of its subject: altered bytes or a wrong key."""


class SubjectKey:
    """The living key of one data subject; opens and seals the personal part of facts."""

    __slots__ = ("_cipher", "raw")

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self._cipher = AESGCM(raw)

    def seal(self, plain: bytes, bound_to: bytes) -> str:
        """Encrypt; answers base64 of nonce and ciphertext."""
        nonce = os.urandom(_NONCE_BYTES)
        return b2a_base64(nonce + self._cipher.encrypt(nonce, plain, bound_to), newline=False).decode()

    def open(self, sealed: str, bound_to: bytes) -> bytes:
        """Decrypt what `seal` wrote for the same purpose; raises SealBroken."""
        try:
            raw = a2b_base64(sealed)
            return self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], bound_to)
        except (InvalidTag, ValueError) as error:
            msg = "sealed part does not open"
            raise SealBroken(msg) from error


def new_key() -> SubjectKey:
    """Make a fresh random key of 256 bits."""
    return SubjectKey(os.urandom(32))

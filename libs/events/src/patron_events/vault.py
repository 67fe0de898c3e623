"""The port of the keys: one living key per data subject, destroyed for good on erasure."""

import hmac
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Final, Protocol

from patron_events.rejections import Conflict
from patron_events.sealing import SubjectKey, new_key

_CLAIM_PURPOSE: Final = b"patron blind index v1"


class KeyDestroyed(Conflict):
    """The record was erased; nothing personal can be written about it again."""

    code = "record-erased"


class KeyVault(Protocol):
    """Keeps the keys of data subjects. Raises Unavailable (every method) when it cannot answer."""

    async def find(self, subjects: Collection[str]) -> Mapping[str, SubjectKey]:
        """Find the living keys among `subjects`; missing and destroyed ones are absent."""
        ...

    async def create(self, subjects: Collection[str], *, new: Collection[str] = ()) -> Mapping[str, SubjectKey]:
        """Find or make the key of each subject, durable before it answers.

        new: those that probably have none yet; only a hint that may save a search.

        Raises:
            KeyDestroyed: one of the subjects was erased.
        """
        ...

    async def destroy(self, subject: str) -> None:
        """Destroy a key so that no copy of the vault can give it back; repeating is harmless."""
        ...


class BlindIndex:
    """Keyed hashes for equality look-ups, so that no personal value stands in a subject or id.

    HMAC-SHA-256 (RFC 2104) under a key derived from the master key; 128 bits are kept.
    """

    __slots__ = ("_key", "of")

    def __init__(self, master_key: bytes) -> None:
        self._key = hmac.digest(master_key, _CLAIM_PURPOSE, "sha256")
        # One command asks for the hash of the same key several times.
        self.of = lru_cache(maxsize=8_192)(self._of)

    def _of(self, *parts: str) -> str:
        """Hash the parts (kind first) to 32 hex digits; parts cannot run into each other."""
        encoded = [part.encode() for part in parts]
        text = b"".join([len(part).to_bytes(4, "big") + part for part in encoded])
        return hmac.digest(self._key, text, "sha256").hex()[:32]


class MemoryVault:
    """The in-memory twin of the vault, for tests and tools without a server."""

    def __init__(self) -> None:
        self._keys: dict[str, SubjectKey | None] = {}

    async def find(self, subjects: Collection[str]) -> Mapping[str, SubjectKey]:
        """Find the living keys among `subjects`."""
        return {subject: key for subject in subjects if (key := self._keys.get(subject)) is not None}

    async def create(self, subjects: Collection[str], *, new: Collection[str] = ()) -> Mapping[str, SubjectKey]:
        """Find or make the key of each subject."""
        del new  # a search costs nothing here
        found: dict[str, SubjectKey] = {}
        for subject in subjects:
            key = self._keys.setdefault(subject, new_key())
            if key is None:
                raise KeyDestroyed
            found[subject] = key
        return found

    async def destroy(self, subject: str) -> None:
        """Forget a key and remember that it existed."""
        self._keys[subject] = None

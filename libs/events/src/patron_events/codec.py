"""Facts to stored events and back: open part, sealed part, old versions, erased parts."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from patron_events.envelope import Commit, CommitHead, Recorded, StoredEvent, StreamId, decode_commit
from patron_events.registry import EventType, Fact, OldVersion, named, type_of
from patron_events.sealing import SubjectKey

_encode: Final = msgspec.json.Encoder().encode
_ERASED: Final = b'{"erased":"key-destroyed"}'


def _bound_to(subject: str, name: str, version: int) -> bytes:
    return f"{subject}|{name}|{version}".encode()


def encode_event(fact: Fact, occurred_at: datetime, subject: str, key: SubjectKey | None) -> StoredEvent:
    """Write a fact; its personal fields are sealed with the key of `subject`.

    Raises:
        ValueError: the fact has personal fields and no key was given.
    """
    entry = type_of(type(fact))
    if not entry.personal:
        return StoredEvent(entry.name, entry.version, occurred_at, msgspec.Raw(_encode(fact)))
    document: dict[str, Any] = msgspec.to_builtins(fact)
    personal = {name: document.pop(name) for name in entry.personal if name in document}
    if not personal:
        return StoredEvent(entry.name, entry.version, occurred_at, msgspec.Raw(_encode(document)))
    if key is None:
        msg = f"{entry.name} has personal fields and {subject} has no key"
        raise ValueError(msg)
    sealed = key.seal(_encode(personal), _bound_to(subject, entry.name, entry.version))
    return StoredEvent(entry.name, entry.version, occurred_at, msgspec.Raw(_encode(document)), sealed)


def _joined(open_part: bytes, personal_part: bytes) -> bytes:
    if open_part == b"{}":
        return personal_part
    if personal_part == b"{}":
        return open_part
    return open_part[:-1] + b"," + personal_part[1:]


def _erased_part(personal: frozenset[str]) -> bytes:
    return b"{" + b",".join(b'"' + name.encode() + b'":' + _ERASED for name in sorted(personal)) + b"}"


def _lifted(entry: EventType, stored: StoredEvent, plain: bytes) -> Fact:
    document: dict[str, Any] = msgspec.json.decode(plain)
    for version in range(stored.v, entry.version):
        document = entry.older[version].lift(document)
    return msgspec.convert(document, entry.fact)


def _personal_of(entry: EventType, version: int) -> frozenset[str]:
    old: OldVersion | None = entry.older.get(version)
    return entry.personal if old is None else old.personal


def decode_event(stored: StoredEvent, subject: str, key: SubjectKey | None) -> Fact:
    """Read a stored event as its present version; personal fields are ERASED where the key is gone.

    Raises:
        UnknownEventType, NewerEventVersion: this release cannot know what it says.
        SealBroken: the sealed part was altered.
        msgspec.ValidationError: the document contradicts the declared fact.
    """
    entry = named(stored.type, stored.v)
    plain = bytes(stored.data)
    if stored.sealed is not None:
        opened = (
            _erased_part(_personal_of(entry, stored.v))
            if key is None
            else key.open(stored.sealed, _bound_to(subject, stored.type, stored.v))
        )
        plain = _joined(plain, opened)
    if stored.v == entry.version:
        return entry.decoder.decode(plain)
    return _lifted(entry, stored, plain)


def subjects_of(commit: Commit, stream: StreamId) -> set[str]:
    """Name the data subjects whose keys a commit needs."""
    return {event.subject or stream.id for event in commit.events if event.sealed is not None}


def decode_events(
    commit: Commit, head: CommitHead, keys: Mapping[str, SubjectKey | None]
) -> tuple[Recorded[Fact], ...]:
    """Read all facts of a commit; `keys` holds what `subjects_of` asked for, None where destroyed."""
    return tuple(
        Recorded(
            decode_event(stored, subject, keys.get(subject) if stored.sealed is not None else None),
            stored.type,
            stored.occurred_at,
            index,
            head,
        )
        for index, stored in enumerate(commit.events)
        for subject in (stored.subject or head.stream.id,)
    )


def head_of(commit: Commit, stream: StreamId, sequence: int, stored_at: datetime, size: int) -> CommitHead:
    """Gather what the facts of a stored commit share."""
    return CommitHead(
        stream, sequence, stored_at, commit.id, commit.recorded_at, commit.actor, commit.cause, commit.version, size
    )


__all__ = ["decode_commit", "decode_event", "decode_events", "encode_event", "head_of", "subjects_of"]

"""What the log adds to facts: the commit, its stream, its position, who asked and why.

The stored form of a commit is one JSON document (DESIGN 2). Its last member is `hash`: SHA-256 over the
bytes of the document without that member, which include `prev`, the hash of the commit before it.
"""

import hashlib
import zlib
from datetime import datetime
from typing import Final, Generic, NamedTuple, TypeVar

import msgspec

PARTITIONS: Final = 256
GENESIS: Final = "0" * 64
_HASH_OPENS: Final = b',"hash":"'
_HASH_LENGTH: Final = 64


def partition_of(aggregate_id: str) -> int:
    """Assign an aggregate id to its partition: CRC-32 (RFC 1952) modulo 256, the same for ever."""
    return zlib.crc32(aggregate_id.encode()) % PARTITIONS


class StreamId(NamedTuple):
    """One aggregate instance: `("contacts", "person", "<uuid>")`."""

    context: str
    category: str
    id: str

    @property
    def partition(self) -> int:
        """Partition token of the subject, 0..255."""
        return partition_of(self.id)

    @property
    def subject(self) -> str:
        """Literal NATS subject, `crm.<context>.p<NNN>.<category>.<id>`."""
        return f"crm.{self.context}.p{partition_of(self.id):03d}.{self.category}.{self.id}"

    @classmethod
    def parse(cls, subject: str) -> "StreamId":
        """Read a subject back; raises ValueError for one that is not of the log."""
        root, context, _, category, aggregate_id = subject.split(".", 4)
        if root != "crm":
            msg = f"{subject!r} is not a subject of the log"
            raise ValueError(msg)
        return cls(context, category, aggregate_id)


class Position(NamedTuple):
    """A point in the log of one context; without a partition it means all partitions up to the sequence."""

    context: str
    partition: int | None
    sequence: int

    def __str__(self) -> str:
        """Write the form that callers pass back in `after=`: `contacts.17.1234` or `contacts.*.1234`."""
        return f"{self.context}.{'*' if self.partition is None else self.partition}.{self.sequence}"

    @classmethod
    def parse(cls, text: str) -> "Position":
        """Read the form that `str` writes; raises ValueError for anything else."""
        context, partition, sequence = text.split(".")
        number = None if partition == "*" else int(partition)
        if not context.isidentifier() or (number is not None and not 0 <= number < PARTITIONS):
            msg = "not a position"
            raise ValueError(msg)
        if not 0 <= int(sequence) < 2**63:
            msg = "not a position"
            raise ValueError(msg)
        return cls(context, number, int(sequence))


class Actor(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who asked: `kind` is user, service or rule; `authority` the roles used; `address` where it came from."""

    kind: str
    id: str
    authority: tuple[str, ...] = ()
    address: str | None = None


class Cause(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why: the conversation, the event that led to it, the trace, and a keyed hash of the request.

    `request` tells a repeated command from another one that borrowed its idempotency key.
    `depth` counts the reactions between somebody's request and this command: 0 for the request itself.
    """

    correlation_id: str | None = None
    causation_id: str | None = None
    traceparent: str | None = None
    request: str | None = None
    depth: int = 0


class StoredEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """A fact as stored: `data` is open, `sealed` is base64 of nonce and ciphertext of the personal fields.

    subject: the data subject whose key seals it, where that is not the aggregate itself.
    """

    type: str
    v: int
    occurred_at: datetime
    data: msgspec.Raw
    sealed: str | None = None
    subject: str | None = None


class Commit(msgspec.Struct, frozen=True):
    """One command's facts on one aggregate, stored as one message."""

    id: str
    recorded_at: datetime
    actor: Actor
    cause: Cause
    version: int
    prev: str
    events: tuple[StoredEvent, ...]
    hash: str = ""


class _Unhashed(msgspec.Struct, frozen=True):
    id: str
    recorded_at: datetime
    actor: Actor
    cause: Cause
    version: int
    prev: str
    events: tuple[StoredEvent, ...]


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Commit)


def encode_commit(commit: Commit) -> tuple[bytes, str]:
    """Write the stored form of a commit; answers its bytes and its hash. `commit.hash` is ignored."""
    open_form = _encoder.encode(
        _Unhashed(commit.id, commit.recorded_at, commit.actor, commit.cause, commit.version, commit.prev, commit.events)
    )
    digest = hashlib.sha256(open_form).hexdigest()
    return open_form[:-1] + _HASH_OPENS + digest.encode() + b'"}', digest


def decode_commit(body: bytes) -> Commit:
    """Read the stored form of a commit without checking its hash; raises msgspec.DecodeError."""
    return _decoder.decode(body)


def stored_hash(body: bytes) -> str | None:
    """Compute what the hash of a stored body must be; None where it has no hash member at its end."""
    start = len(body) - _HASH_LENGTH - len(_HASH_OPENS) - 2
    if start < 1 or body[start : start + len(_HASH_OPENS)] != _HASH_OPENS:
        return None
    return hashlib.sha256(body[:start] + b"}").hexdigest()


E_co = TypeVar("E_co", covariant=True)


class CommitHead(msgspec.Struct, frozen=True, gc=False):
    """What all facts of a commit share; `sequence` is its place in the stream, `stored_at` the broker's clock."""

    stream: StreamId
    sequence: int
    stored_at: datetime
    commit_id: str
    recorded_at: datetime
    actor: Actor
    cause: Cause
    version: int
    size: int


class Recorded(msgspec.Struct, Generic[E_co], frozen=True, gc=False):
    """A fact read back: what happened, when it happened, and the commit that recorded it."""

    event: E_co
    type: str
    occurred_at: datetime
    index: int
    commit: CommitHead

    @property
    def event_id(self) -> str:
        """Stable id of this one fact: commit id and index, unique in the log."""
        return f"{self.commit.commit_id}:{self.index}"

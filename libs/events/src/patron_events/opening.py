"""Reading many stored commits at once: keys are fetched together, and what cannot be read is named."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from patron_events.codec import decode_events, head_of, subjects_of
from patron_events.envelope import Commit, CommitHead, Recorded, decode_commit
from patron_events.registry import Fact, NewerEventVersion, UnknownEventType
from patron_events.sealing import SealBroken, SubjectKey
from patron_events.store import Stored
from patron_events.vault import KeyVault


class Opened(msgspec.Struct, frozen=True, gc=False):
    """A commit with its facts in their present versions; `prev` and `hash` are the chain as stored."""

    head: CommitHead
    events: tuple[Recorded[Fact], ...]
    prev: str
    hash: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A commit that this release cannot read, and why; its aggregate is to be parked."""

    stored: Stored
    reason: Exception


def _decoded(stored: Stored) -> Commit | Unreadable:
    try:
        return decode_commit(stored.body)
    except msgspec.DecodeError as error:
        return Unreadable(stored, error)


async def open_commits(batch: Sequence[Stored], vault: KeyVault) -> Sequence[Opened | Unreadable]:
    """Decode and decrypt stored commits, in their order; raises Unavailable when keys cannot be fetched."""
    commits = [_decoded(stored) for stored in batch]
    wanted: set[str] = set()
    for stored, commit in zip(batch, commits, strict=True):
        if isinstance(commit, Commit):
            wanted |= subjects_of(commit, stored.stream)
    keys: Mapping[str, SubjectKey] = await vault.find(wanted) if wanted else {}
    answers: list[Opened | Unreadable] = []
    for stored, commit in zip(batch, commits, strict=True):
        if isinstance(commit, Unreadable):
            answers.append(commit)
            continue
        head = head_of(commit, stored.stream, stored.sequence, stored.stored_at, len(commit.events))
        try:
            answers.append(Opened(head, decode_events(commit, head, keys), commit.prev, commit.hash))
        except (UnknownEventType, NewerEventVersion, SealBroken, msgspec.MsgspecError) as error:
            answers.append(Unreadable(stored, error))
    return answers

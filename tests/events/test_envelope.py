"""The envelope is permanent: partitions, positions, and the hash over the stored form."""

import hashlib
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patron_events.envelope import (
    GENESIS,
    PARTITIONS,
    Actor,
    Cause,
    Commit,
    Position,
    StoredEvent,
    StreamId,
    decode_commit,
    encode_commit,
    partition_of,
    stored_hash,
)

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
COMMIT = Commit(
    id="c1",
    recorded_at=NOW,
    actor=Actor("user", "ann", ("agent",)),
    cause=Cause(correlation_id="r1"),
    version=1,
    prev=GENESIS,
    events=(StoredEvent("contacts.person-created", 1, NOW, msgspec.Raw(b"{}")),),
)
BODY, DIGEST = encode_commit(COMMIT)


def test_a_commit_is_read_as_it_was_written() -> None:
    read = decode_commit(BODY)
    assert msgspec.structs.replace(read, hash="", events=()) == msgspec.structs.replace(COMMIT, events=())
    assert [(one.type, one.v, bytes(one.data)) for one in read.events] == [("contacts.person-created", 1, b"{}")]
    assert read.hash == DIGEST


def test_the_hash_is_that_of_the_document_without_it() -> None:
    assert BODY.endswith(b',"hash":"' + DIGEST.encode() + b'"}')
    assert stored_hash(BODY) == DIGEST == hashlib.sha256(BODY[: -len(DIGEST) - 11] + b"}").hexdigest()


def test_the_stored_form_never_changes() -> None:
    assert DIGEST == "349f97f0eb78f74d844e0e0ab2d15ad0f0d4280b1a931c3d4af1f96b43818150"


@given(st.integers(0, len(BODY) - 76), st.integers(1, 255))
def test_any_altered_byte_shows(place: int, difference: int) -> None:
    altered = bytearray(BODY)
    altered[place] ^= difference
    assert stored_hash(bytes(altered)) != DIGEST


@pytest.mark.parametrize("body", [b"", b"{}", b'{"id":"x"}', b"x" * 200, BODY[:-1], BODY[1:-2]])
def test_what_has_no_hash_at_its_end_has_none(body: bytes) -> None:
    assert stored_hash(body) is None


# RFC 1952 CRC-32 modulo 256; a change here would move every record to another subject.
@pytest.mark.parametrize(
    ("aggregate_id", "partition"),
    [("", 0), ("a", 0x43), ("123456789", 0x26), ("6f1c1a52-8b0e-5d8f-9a3e-0c6f5f1f1a11", 180)],
)
def test_partitions_are_fixed(aggregate_id: str, partition: int) -> None:
    assert partition_of(aggregate_id) == partition


def test_subjects_and_streams_are_the_same_thing() -> None:
    stream = StreamId("contacts", "person", "123456789")
    assert stream.subject == "crm.contacts.p038.person.123456789"
    assert StreamId.parse(stream.subject) == stream
    with pytest.raises(ValueError, match="not a subject of the log"):
        StreamId.parse("abc.contacts.p038.person.123456789")


@given(st.one_of(st.none(), st.integers(0, PARTITIONS - 1)), st.integers(0, 2**63 - 1))
def test_a_position_is_read_as_it_was_written(partition: int | None, sequence: int) -> None:
    position = Position("contacts", partition, sequence)
    assert Position.parse(str(position)) == position


@pytest.mark.parametrize(
    "text", ["", "contacts", "contacts.1", "contacts.1.2.3", "contacts.256.1", "contacts.-1.1", "contacts.x.1"]
)
def test_anything_else_is_no_position(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - int() and tuple unpacking have texts of their own
        Position.parse(text)


@pytest.mark.parametrize("text", ["contacts.1.-1", "contacts.1.9223372036854775808", "con tacts.1.1", ".1.1"])
def test_a_position_out_of_range_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="not a position"):
        Position.parse(text)

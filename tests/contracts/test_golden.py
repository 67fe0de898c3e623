"""What was once written is read for ever, and is still written in the same form."""

from typing import Any

import msgspec
import pytest

from contracts import golden
from contracts.samples import OLD_VERSIONS, SAMPLES
from patron_events.catalog import contacts as events
from patron_events.codec import decode_event, encode_event
from patron_events.personal import ERASED
from patron_events.registry import Fact, named, type_of
from patron_events.sealing import SealBroken, SubjectKey

VERSIONS = list(golden.versions())
RENEW = "add a sample to tests/contracts/samples.py and run tests/contracts/renew.py"


def _personal(name: str, version: int) -> frozenset[str]:
    entry = named(name, version)
    return entry.personal if version == entry.version else entry.older[version].personal


@pytest.mark.parametrize(("name", "version"), VERSIONS)
def test_every_version_ever_written_has_a_golden_file(name: str, version: int) -> None:
    assert golden.file_of(name, version).exists(), RENEW


def test_every_golden_file_belongs_to_a_known_version() -> None:
    assert {file.name for file in golden.FOLDER.iterdir()} == {f"{name}.v{version}.json" for name, version in VERSIONS}


def test_every_fact_has_one_full_sample() -> None:
    assert sorted(type_of(type(sample)).name for sample in SAMPLES) == [entry.name for entry in golden.catalogue()]
    for sample in SAMPLES:
        left_out = [one.name for one in msgspec.structs.fields(sample) if getattr(sample, one.name) == one.default]
        assert not left_out, f"{type(sample).__name__}: the sample leaves {left_out} at the default"


@pytest.mark.parametrize(("name", "version"), VERSIONS)
def test_a_golden_file_is_still_read_as_the_same_fact(name: str, version: int) -> None:
    kept = golden.read(name, version)
    fact = decode_event(kept.stored, golden.SUBJECT, golden.KEY)
    assert (kept.stored.type, kept.stored.v) == (name, version)
    assert fact == msgspec.convert(kept.reads_as, named(name, version).fact)
    assert msgspec.json.decode(msgspec.json.encode(fact)) == kept.reads_as


@pytest.mark.parametrize(("name", "version"), [one for one in VERSIONS if _personal(*one)])
def test_a_golden_file_without_its_key_is_erased_in_its_personal_fields(name: str, version: int) -> None:
    stored = golden.read(name, version).stored
    full = decode_event(stored, golden.SUBJECT, golden.KEY)
    erased: dict[str, Any] = dict.fromkeys(_personal(name, version), ERASED)
    assert decode_event(stored, golden.SUBJECT, None) == msgspec.structs.replace(full, **erased)
    with pytest.raises(SealBroken):
        decode_event(stored, golden.SUBJECT, SubjectKey(b"w" * 32))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: type(sample).__name__)
def test_a_fact_is_still_written_as_its_golden_file_says(sample: Fact) -> None:
    entry = type_of(type(sample))
    kept = golden.read(entry.name, entry.version).stored
    written = encode_event(sample, kept.occurred_at, golden.SUBJECT, golden.KEY)
    assert msgspec.json.decode(written.data) == msgspec.json.decode(kept.data)
    assert _opened(written.sealed, entry.name, entry.version) == _opened(kept.sealed, entry.name, entry.version)


def _opened(sealed: str | None, name: str, version: int) -> object:
    if sealed is None:
        return None
    return msgspec.json.decode(golden.KEY.open(sealed, f"{golden.SUBJECT}|{name}|{version}".encode()))


def test_version_1_of_an_interaction_is_lifted_to_version_2() -> None:
    kept = golden.read("contacts.interaction-logged", 1)
    assert msgspec.json.decode(kept.stored.data)["kind"] == "inbound-call"
    assert decode_event(kept.stored, golden.SUBJECT, golden.KEY) == events.InteractionLogged(
        interaction_id="i1",
        kind="call",
        direction="inbound",
        channel="zoom",
        subject="Hello",
        body="How are you?",
        duration_s=61,
        source="pbx",
        external_id="9",
    )
    assert ("contacts.interaction-logged", 1) in OLD_VERSIONS

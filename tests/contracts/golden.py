"""Golden files: every version of every event as it once was written, and what it must be read as for ever."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from contracts.samples import OLD_VERSIONS, SAMPLES
from patron_events.codec import decode_event, encode_event
from patron_events.envelope import StoredEvent
from patron_events.registry import EventType, every_type, type_of
from patron_events.sealing import SubjectKey

FOLDER: Final = Path(__file__).parent / "golden"
SUBJECT: Final = "6f1c1a52-8b0e-5d8f-9a3e-0c6f5f1f1a11"
KEY: Final = SubjectKey(b"golden files have this fixed key")
_AT: Final = datetime(2026, 3, 1, 9, tzinfo=UTC)


class Golden(msgspec.Struct, frozen=True):
    """stored: as in the log, sealed with `KEY` for `SUBJECT`. reads_as: the present fact in plain form."""

    stored: StoredEvent
    reads_as: dict[str, Any]


def catalogue() -> list[EventType]:
    """List the declared facts; those that tests declare for themselves are left out."""
    return [entry for entry in every_type() if entry.fact.__module__.startswith("patron_events.catalog.")]


def versions() -> Iterator[tuple[str, int]]:
    """List every version of every event that was ever written."""
    for entry in catalogue():
        yield from ((entry.name, version) for version in sorted({*entry.older, entry.version}))


def file_of(name: str, version: int) -> Path:
    """Name the golden file of one version."""
    return FOLDER / f"{name}.v{version}.json"


def read(name: str, version: int) -> Golden:
    """Read a golden file."""
    return msgspec.json.decode(file_of(name, version).read_bytes(), type=Golden)


def _written(name: str, version: int, samples: Mapping[str, Any]) -> StoredEvent:
    if (name, version) not in OLD_VERSIONS:
        return encode_event(samples[name], _AT, SUBJECT, KEY)
    opened, personal = OLD_VERSIONS[name, version]
    sealed = KEY.seal(msgspec.json.encode(personal), f"{SUBJECT}|{name}|{version}".encode()) if personal else None
    return StoredEvent(name, version, _AT, msgspec.Raw(msgspec.json.encode(opened)), sealed)


def write_missing() -> list[Path]:
    """Write golden files that are not there yet; one that is there is never written again."""
    samples = {type_of(type(sample)).name: sample for sample in SAMPLES}
    FOLDER.mkdir(exist_ok=True)
    fresh: list[Path] = []
    for name, version in versions():
        file = file_of(name, version)
        if not file.exists():
            stored = _written(name, version, samples)
            golden = Golden(stored, msgspec.to_builtins(decode_event(stored, SUBJECT, KEY)))
            file.write_bytes(msgspec.json.format(msgspec.json.encode(golden), indent=1) + b"\n")
            fresh.append(file)
    return fresh

"""Read JSON Lines as rows: one object a line, its keys as columns."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import msgspec

from patron_cli.importing.encoding import find_encoding, text_of
from patron_cli.importing.raw_file import RawFile, damaged_archive
from patron_cli.importing.rows import Detected, FileUnusable, Problem, ReadOptions, Row, unique_columns

_MAX_COLUMNS = 2000
_decoder = msgspec.json.Decoder()


class JsonLinesFile:
    """Objects become rows; nested objects become columns such as `address.city`, arrays stay arrays."""

    def __init__(self, raw: RawFile, options: ReadOptions) -> None:
        """Read the file once for the union of its keys.

        Raises:
            FileUnusable: not text, the first line is no JSON object, or the keys are as many as the rows.
        """
        self._raw = raw
        self._encoding = find_encoding(raw, options.encoding)
        keys: dict[str, None] = {}
        self._count = 0
        for number, line in self._lines():
            flat, problem = _flat(line)
            if problem and not self._count:
                raise FileUnusable(raw.path, f"line {number} is no JSON object ({problem.message})")
            self._count += 1
            keys.update(dict.fromkeys(flat))
            if len(keys) > _MAX_COLUMNS:
                raise FileUnusable(raw.path, f"the objects have more than {_MAX_COLUMNS} different keys")
        if not self._count:
            raise FileUnusable(raw.path, "there is nothing in it but blanks")
        self._keys = tuple(keys)
        self._columns = unique_columns(self._keys)
        name = "gzipped JSON Lines" if raw.gzipped else "JSON Lines"
        self._detected = Detected(name, self._encoding.label, columns=len(self._columns), rows=self._count)

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._raw.path

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the stored bytes."""
        return self._raw.fingerprint

    @property
    def columns(self) -> tuple[str, ...]:
        """Every key that occurs, in the order of first occurrence."""
        return self._columns

    @property
    def detected(self) -> Detected:
        """Encoding, columns and rows."""
        return self._detected

    def progress(self) -> float:
        """Share of the stored bytes that were read."""
        return self._raw.progress()

    def rows(self) -> Iterator[Row]:
        """Give every line that is not blank; absent keys are blank cells."""
        for number, line in self._lines():
            flat, problem = _flat(line)
            if problem:
                yield Row(number, [line.rstrip("\r\n")], problem)
            else:
                yield Row(number, [flat.get(key, "") for key in self._keys])

    def _lines(self) -> Iterator[tuple[int, str]]:
        with self._raw.opened() as stream, damaged_archive(self.path):
            text = text_of(stream, self._encoding, newline="\n")
            for number, line in enumerate(text, start=1):
                if not line.isspace():
                    yield number, line


def _flat(line: str) -> tuple[dict[str, Any], Problem | None]:
    try:
        value: Any = _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        return {}, Problem("malformed-row", f"not valid JSON: {error}")
    if not isinstance(value, dict):
        return {}, Problem("malformed-row", f"a JSON {type(value).__name__} where an object was expected")
    flat: dict[str, Any] = {}
    _flatten(cast("dict[str, Any]", value), "", flat)
    return flat, None


def _flatten(value: dict[str, Any], prefix: str, flat: dict[str, Any]) -> None:
    for key, part in value.items():
        if isinstance(part, dict) and len(prefix) < 200:  # noqa: PLR2004 - deeper nesting is data, not columns
            _flatten(cast("dict[str, Any]", part), f"{prefix}{key}.", flat)
        elif part is not None:
            flat[prefix + key] = part

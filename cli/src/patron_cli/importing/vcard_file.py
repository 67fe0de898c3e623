"""Read vCard 2.1, 3.0 and 4.0 as rows: one card a row, its columns the fields of a person."""

import re
from collections.abc import Iterator
from pathlib import Path

from patron_cli.importing.encoding import find_encoding, text_of
from patron_cli.importing.raw_file import RawFile, damaged_archive
from patron_cli.importing.rows import Detected, FileUnusable, Problem, ReadOptions, Row
from patron_cli.importing.vcard_line import CardLine, LineUnreadable, parse_line
from patron_cli.importing.vcard_person import COLUMNS, person_of

_BINARY = re.compile(r"(?:[\w-]+\.)?(?:PHOTO|LOGO|SOUND|KEY|X-MS-CARDPICTURE)[;:]", re.IGNORECASE)
_QUOTED_PRINTABLE = "quoted-printable"
_MAX_LINE_CHARS = 16 * 1024 * 1024


class VcardFile:
    """Cards one after another; pictures and keys are skipped, not stored."""

    def __init__(self, raw: RawFile, options: ReadOptions) -> None:
        """Check that it begins with a card.

        Raises:
            FileUnusable: not text, or no card at its beginning.
        """
        self._raw = raw
        self._encoding = find_encoding(raw, options.encoding)
        first = next(self._lines(), "")
        if first.strip().upper() != "BEGIN:VCARD":
            raise FileUnusable(raw.path, "this is no vCard file, for it does not begin with BEGIN:VCARD")
        name = "gzipped vCard" if raw.gzipped else "vCard"
        self._detected = Detected(name, self._encoding.label, columns=len(COLUMNS))

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
        """Fields of a person, named as in the API."""
        return COLUMNS

    @property
    def detected(self) -> Detected:
        """Encoding and columns."""
        return self._detected

    def progress(self) -> float:
        """Share of the stored bytes that were read."""
        return self._raw.progress()

    def rows(self) -> Iterator[Row]:
        """Give every card in order; a card that never ends comes out with a problem."""
        number = 0
        card: list[CardLine] = []
        problem: Problem | None = None
        inside = False
        for line in self._lines():
            mark = line.strip().upper()
            if mark == "BEGIN:VCARD":
                if inside:
                    yield _row(number, card, Problem("malformed-row", "the card has no END:VCARD"))
                number, card, problem, inside = number + 1, [], None, True
            elif mark == "END:VCARD" and inside:
                inside = False
                yield _row(number, card, problem)
            elif inside:
                try:
                    card.append(parse_line(line))
                except LineUnreadable as error:
                    problem = problem or Problem("malformed-row", f"line {line[:60]!r} cannot be read: {error}")
        if inside:
            yield _row(number, card, Problem("malformed-row", "the file ends in the middle of the card"))

    def _lines(self) -> Iterator[str]:
        """Join folded lines, soft line breaks of quoted-printable included; leave pictures and keys out."""
        with self._raw.opened() as stream, damaged_archive(self.path):
            text = text_of(stream, self._encoding, newline=None)
            parts: list[str] = []
            soft = binary = False
            for physical in text:
                line = physical.rstrip("\n")
                if soft:
                    parts.append("\n" + line)
                elif line[:1] in {" ", "\t"} and (parts or binary):
                    if not binary:
                        parts.append(line[1:])
                    continue
                else:
                    if parts:
                        yield "".join(parts)
                    blank = not line.strip()
                    # iOS breaks pictures with blank lines: they do not end one.
                    binary = binary if blank else bool(_BINARY.match(line))
                    parts = [] if blank or binary else [line]
                soft = bool(parts) and line.endswith("=") and _QUOTED_PRINTABLE in parts[0].lower()
                if sum(map(len, parts)) > _MAX_LINE_CHARS:
                    raise FileUnusable(self.path, "a line is longer than 16 MiB")
            if parts:
                yield "".join(parts)


def _row(number: int, card: list[CardLine], problem: Problem | None) -> Row:
    person = person_of(card)
    return Row(number, [person.get(column, "") for column in COLUMNS], problem)

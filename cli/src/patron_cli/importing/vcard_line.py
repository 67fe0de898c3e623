"""Parse one logical line of a vCard: group, name, parameters, value (RFC 6350 section 3.3, RFC 6868, vCard 2.1)."""

import quopri
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import cast

_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_CARET = {"^n": "\n", "^'": '"', "^^": "^"}
_CARET_PAIR = re.compile(r"\^[n'^]")


class LineUnreadable(ValueError):
    """The line breaks the grammar, or names a character set that does not exist."""


@dataclass(frozen=True, slots=True)
class CardLine:
    """One property of a card.

    name: upper case; group: "" or such as `item1`.
    types: every TYPE value and bare parameter, lower case (vCard 2.1 writes `TEL;CELL;PREF:`).
    params: names upper case, values as written.
    raw: the value with its escapes, decoded from quoted-printable.
    """

    group: str
    name: str
    raw: str
    types: frozenset[str] = frozenset()
    params: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    @property
    def text(self) -> str:
        """The whole value without escapes."""
        return unescape(self.raw).strip()

    def parts(self) -> list[str]:
        """The components between semicolons, without escapes."""
        return split(self.raw, ";")

    @property
    def preferred(self) -> bool:
        """Whether the card marks this as the one to use."""
        return "pref" in self.types or self.params.get("PREF", [""])[0] == "1"


def split(raw: str, separator: str) -> list[str]:
    """Cut at separators that are not escaped; each part is unescaped and stripped."""
    parts: list[str] = []
    start = position = 0
    while position < len(raw):
        character = raw[position]
        if character == "\\":
            position += 1
        elif character == separator:
            parts.append(raw[start:position])
            start = position + 1
        position += 1
    parts.append(raw[start:])
    return [unescape(part).strip() for part in parts]


def unescape(raw: str) -> str:
    r"""Undo `\n`, `\,`, `\;`, `\:` and the like; any other escaped character stands for itself."""
    if "\\" not in raw:
        return raw
    return _ESCAPED.sub(lambda match: "\n" if match[1] in "nN" else match[1], raw)


def parse_line(line: str) -> CardLine:
    """Take one unfolded line apart.

    Raises:
        LineUnreadable: no colon, a broken parameter, or an unknown character set.
    """
    try:
        name, parameters, value, group = _grammar()(line)
    except ValueError as error:
        raise LineUnreadable(str(error)) from error
    types: set[str] = set()
    params: dict[str, list[str]] = {}
    for parameter, *values in parameters:
        if not values:
            types.add(parameter.lower())
        elif parameter.upper() == "TYPE":
            types.update(part.strip().lower() for item in values for part in item.split(","))
        else:
            params.setdefault(parameter.upper(), []).extend(_uncaret(item) for item in values)
    encodings = {item.lower() for item in params.get("ENCODING", [])} | types
    if "quoted-printable" in encodings:
        value = _from_quoted_printable(value, params.get("CHARSET", ["utf-8"])[0])
    return CardLine(group or "", name.upper(), value, frozenset(types), params)


def _uncaret(value: str) -> str:
    return _CARET_PAIR.sub(lambda match: _CARET[match[0]], value) if "^" in value else value


def _from_quoted_printable(value: str, charset: str) -> str:
    """Decode; a character that the sender cut in half becomes U+FFFD, as old phones cut long names by bytes."""
    data = quopri.decodestring(value.encode("utf-8"))
    try:
        return data.decode(charset, errors="replace").replace("\r\n", "\n")
    except LookupError as error:
        raise LineUnreadable(f"quoted-printable in an unknown character set {charset}") from error


_Grammar = Callable[[str], tuple[str, list[list[str]], str, str | None]]


@cache
def _grammar() -> _Grammar:
    """Load the grammar of vobject late: the import takes a tenth of a second that only cards need.

    Only its line grammar is used. Its reader of whole cards gives up on a damaged photo and on PROFILE lines,
    and takes quadratic time for long folded values (vobject 0.9.9, files ANDROID and LOTUS_NOTES of ez-vcard).
    """
    from vobject import base  # noqa: PLC0415 - see above

    parse = cast("_Grammar", base.parseLine)
    failure = cast("type[Exception]", base.ParseError)

    def parsed(line: str) -> tuple[str, list[list[str]], str, str | None]:
        try:
            return parse(line)
        except failure as error:
            raise ValueError(str(error)[:200]) from error

    return parsed

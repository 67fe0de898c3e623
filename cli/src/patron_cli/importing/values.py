"""Convert cells to the values of the API; what is ambiguous is refused, never guessed."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

Convert = Callable[[Any], Any]


class BadValue(ValueError):
    """A cell does not hold what its field needs.

    code: kebab-case slug for the errors file; column: filled in by whoever knows it.
    """

    def __init__(self, code: str, message: str, column: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.column = column


_PLAIN = re.compile(r"-?\d+(?:\.\d+)?\Z", re.ASCII)
_NUMERIC = re.compile(r"[-+]?[\d.,' \u00a0\u202f\u2019]+\Z", re.ASCII)
_SCIENTIFIC = re.compile(r"[-+]?\d+(?:\.\d+)?[eE][-+]?\d{1,2}\Z", re.ASCII)  # Salesforce: 6.0E7
_MONEY_MARKS = re.compile(r"^(?:[$€£¥]|[A-Z]{3})\s*|\s*(?:[$€£¥]|[A-Z]{3})$")
_SPACES = re.compile(r"[' \u00a0\u202f\u2019]")
_TRUE = frozenset({"true", "yes", "y", "1", "on", "ja", "oui", "si", "sí", "x", "wahr", "vrai"})
_FALSE = frozenset({"false", "no", "n", "0", "off", "nein", "non", "falsch", "faux"})
_GROUP_DIGITS = 3


def text(value: Any) -> Any:
    """Strip; numbers and booleans of typed formats become text."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def decimal_with(mark: str | None) -> Convert:
    """Make a converter to exact decimal text such as `1234.56`.

    mark: the stated decimal mark, `.` or `,`; None reads every number that has one reading only.
    """

    def convert(value: Any) -> Any:
        if not isinstance(value, str):
            return str(value)
        if _PLAIN.match(value) and mark != ",":
            return value
        return _decimal(value.strip(), mark)

    return convert


def _decimal(written: str, mark: str | None) -> str:
    if not written:
        return ""
    if _SCIENTIFIC.match(written):
        return f"{Decimal(written):f}"
    bare = _MONEY_MARKS.sub("", written).strip()
    negative = bare.startswith("(") and bare.endswith(")")  # how accountants write it
    bare = bare[1:-1] if negative else bare
    if not _NUMERIC.match(bare) or not any(map(str.isdigit, bare)):
        raise BadValue("invalid-number", f"{written[:40]!r} is no number")
    bare = _SPACES.sub("", bare.lstrip("+"))
    decimal = mark or _decimal_mark(bare, written)
    group = "," if decimal == "." else "."
    whole, found, fraction = bare.partition(decimal)
    groups = whole.lstrip("-").split(group)
    if any(len(part) != _GROUP_DIGITS for part in groups[1:]) or not groups[0] or group in fraction:
        raise BadValue("invalid-number", f"{written[:40]!r} is no number")
    if decimal in fraction or (len(groups) > 1 and len(groups[0]) > _GROUP_DIGITS):
        raise BadValue("invalid-number", f"{written[:40]!r} is no number")
    sign = "-" if negative or whole.startswith("-") else ""
    return f"{sign}{''.join(groups)}{'.' + fraction if found and fraction else ''}"


def _decimal_mark(bare: str, written: str) -> str:
    dots, commas = bare.count("."), bare.count(",")
    if dots and commas:
        return "." if bare.rfind(".") > bare.rfind(",") else ","
    if dots > 1 or commas > 1:
        return "," if dots else "."
    if commas and len(bare) - bare.index(",") - 1 == _GROUP_DIGITS and not bare.startswith(("0,", "-0,")):
        message = f"{written[:40]!r} may mean thousands or a decimal comma; state it with --decimal"
        raise BadValue("ambiguous-number", message)
    return "," if commas else "."


def number_with(mark: str | None) -> Convert:
    """Make a converter to a JSON number, an integer where it is one."""
    decimal = decimal_with(mark)

    def convert(value: Any) -> Any:
        if isinstance(value, int | float):
            return value
        exact = decimal(value)
        if not exact:
            return None
        return float(exact) if "." in exact else int(exact)

    return convert


def integer_with(mark: str | None) -> Convert:
    """Make a converter to a whole number; `12.0` is one, `12.5` is refused."""
    number = number_with(mark)

    def convert(value: Any) -> Any:
        if isinstance(value, str) and value.isdecimal() and value.isascii() and len(value) < 300:  # noqa: PLR2004 - int() limit
            return int(value)
        found = number(value)
        if isinstance(found, float):
            if not found.is_integer():
                raise BadValue("invalid-integer", f"{str(value)[:40]!r} is no whole number")
            return int(found)
        return found

    return convert


def boolean(value: Any) -> Any:
    """Read the usual words for yes and no in some languages."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().casefold()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    if not word:
        return None
    raise BadValue("invalid-boolean", f"{word[:40]!r} is neither yes nor no")


def items(value: Any) -> Any:
    """Cut a list at semicolons, else at commas; lists stay lists."""
    if isinstance(value, list):
        return value  # pyright: ignore[reportUnknownVariableType] - JSON, checked by the server
    written = str(value)
    parts = written.split(";") if ";" in written else written.split(",")
    return list(dict.fromkeys(stripped for part in parts if (stripped := part.strip())))


def translated(translations: Mapping[str, str], then: Convert) -> Convert:
    """Replace the words of the file by those of the API, case aside; others pass unchanged."""
    table = {key.strip().casefold(): word for key, word in translations.items()}

    def convert(value: Any) -> Any:
        return then(table.get(str(text(value)).casefold(), value))

    return convert


def blank_as(blanks: frozenset[str], then: Convert) -> Convert:
    """Treat words such as `unknown` as absent."""

    def convert(value: Any) -> Any:
        return None if text(value) in blanks else then(value)

    return convert


_LABELS = {
    "mobile": "cell",
    "cell": "cell",
    "iphone": "cell",
    "cellular": "cell",
    "work": "work",
    "business": "work",
    "office": "work",
    "home": "home",
    "private": "home",
    "personal": "home",
    "pager": "pager",
}


def kind_of_phone(value: Any) -> str:
    """Turn a label such as `* Work Fax` into a type of the API."""
    words = re.findall(r"[a-z]+", str(value).lower())
    if any("fax" in word for word in words):
        return "fax"
    return next((_LABELS[word] for word in words if word in _LABELS), "other")


def kind_of_place(value: Any) -> str:
    """Turn the label of an e-mail or postal address into work, home or other."""
    kind = kind_of_phone(value)
    return kind if kind in {"work", "home"} else "other"

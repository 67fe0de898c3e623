"""Read the mapping file that a user writes for columns of their own (TOML)."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from patron_cli.importing.rows import FileUnusable


class ColumnRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a mapping file says about one column.

    to: field path; "" leaves the column out. also: further paths of the same cells. type: of a custom field.
    format: a `strptime` format.
    values: words of the file to words of the API. blanks: words that mean "no value".
    """

    to: str = ""
    also: list[str] = []
    type: str | None = None
    format: str | None = None
    values: dict[str, str] = {}
    blanks: list[str] = []


class MappingFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mapping file as a whole; every key may be absent.

    source: name of the system that the ids belong to; customer_source: that of the customers' ids.
    region: ISO 3166 code for phone numbers in national form. dates: dmy, mdy or ymd. decimal: `.` or `,`.
    key: columns that together are the id of a row. automatic: False leaves unnamed columns out.
    """

    source: str | None = None
    customer_source: str | None = None
    preset: str | None = None
    automatic: bool = True
    region: str | None = None
    currency: str | None = None
    dates: str | None = None
    decimal: str | None = None
    time_zone: str | None = None
    separator: str | None = None
    key: list[str] = []
    blanks: list[str] = []
    columns: dict[str, str | ColumnRule] = {}
    constants: dict[str, str | int | float | bool] = {}

    def rules(self) -> dict[str, ColumnRule]:
        """Give the rule of every named column; a bare path is a rule that only says where to."""
        return {name: ColumnRule(to=rule) if isinstance(rule, str) else rule for name, rule in self.columns.items()}


def load_mapping(path: Path) -> MappingFile:
    """Read and check a mapping file.

    Raises:
        FileUnusable: it cannot be read, is no TOML, or holds a key that does not exist.
    """
    try:
        document = tomllib.loads(path.read_text("utf-8"))
        return msgspec.convert(document, MappingFile)
    except OSError as error:
        raise FileUnusable(path, f"the mapping cannot be read ({error.strerror or error})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FileUnusable(path, f"the mapping is no TOML ({error})") from error
    except msgspec.ValidationError as error:
        raise FileUnusable(path, f"the mapping is wrong: {error}") from error


@dataclass(frozen=True, slots=True)
class Conventions:
    """How the cells of a file are to be read, from options, mapping file and preset together.

    currency: "" where unknown. blanks: cells that mean "no value".
    """

    source: str
    customer_source: str
    region: str | None = None
    currency: str = ""
    dates: str = ""
    decimal: str | None = None
    time_zone: str = "UTC"
    separator: str | None = None
    blanks: frozenset[str] = field(default_factory=frozenset[str])

"""Decide which column goes to which field, from the mapping file, the preset and the column names."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import structs

from patron_cli.importing.errors_file import META, is_errors_file
from patron_cli.importing.fields import Target, parse_target
from patron_cli.importing.mapping_file import ColumnRule, Conventions, MappingFile
from patron_cli.importing.presets import AUTOMATIC, PRESETS, Vocabulary, assign, load, normal, recognise
from patron_cli.importing.rows import FileUnusable
from patron_cli.importing.shapes import DECIMAL, Kind

_MONEY = frozenset({"amount", "won_amount", "unit_price", "quotas"})
CUSTOM_TYPES = ("string", "number", "integer", "boolean", "date", "datetime", "enum")


@dataclass(frozen=True, slots=True)
class Stated:
    """What the user states on the command line; None leaves it to mapping file and preset."""

    source: str | None = None
    preset: str | None = None
    region: str | None = None
    currency: str | None = None
    dates: str | None = None
    decimal: str | None = None
    time_zone: str | None = None
    pipeline: str | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """One column and where it goes. index: position in the row."""

    index: int
    column: str
    target: Target
    rule: ColumnRule


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole mapping of a file, before it is compiled.

    key: positions of the columns that make the id, where the mapping file says so.
    unmapped: columns that go nowhere; ignored: columns that are left out on purpose.
    remarks: sentences for the user.
    """

    kind: Kind
    columns: tuple[str, ...]
    preset: str | None
    conventions: Conventions
    assignments: tuple[Assignment, ...]
    constants: dict[str, Any]
    key: tuple[int, ...]
    unmapped: tuple[str, ...]
    ignored: tuple[str, ...]
    remarks: tuple[str, ...] = field(default=())

    def has(self, name: str, attribute: str | None = None) -> bool:
        """Tell whether some column fills a field."""
        return any(
            a.target.field == name and (attribute is None or a.target.attribute == attribute) for a in self.assignments
        )


def make_plan(kind: Kind, columns: Sequence[str], stated: Stated, mapping: MappingFile, *, default_source: str) -> Plan:
    """Map the columns of a file.

    Raises:
        FileUnusable: an unknown preset, column, path, time zone or region; nothing that could be imported.
    """
    preset = _preset(stated.preset or mapping.preset, columns)
    vocabularies = [load(preset)] if preset else []
    if not preset and mapping.automatic:
        vocabularies.append(load(AUTOMATIC))
    rules = mapping.rules()
    _check_named(list(rules) + mapping.key, columns)
    chosen = {column: rule for column, rule in rules.items() if rule.to}
    ignored = {column for column, rule in rules.items() if not rule.to}
    if is_errors_file(columns):
        ignored.update(META)
    free = [column for column in columns if column not in rules and column not in ignored]
    for column, path in _own_paths(kind, free).items():
        chosen[column] = ColumnRule(to=path)
    taken = {path for rule in chosen.values() for path in (rule.to, *rule.also)}
    for vocabulary in vocabularies:
        free = [column for column in free if column not in chosen]
        known = assign(vocabulary, kind, free)
        ignored.update(column for column in free if normal(column) in vocabulary.ignored and column not in known)
        for column, path in known.items():
            if path not in taken and column not in ignored:
                chosen[column] = _translated(path, vocabulary)
    assignments = _assignments(kind, columns, chosen)
    conventions = _conventions(stated, mapping, vocabularies, assignments, default_source)
    assignments, left_out, remarks = _without_currency(kind, assignments, conventions, mapping)
    unmapped = [column for column in columns if column not in chosen and column not in ignored] + left_out
    if not assignments:
        raise FileUnusable(None, f"no column can be imported as {kind}; name them in a mapping file with --map")
    positions = {column: index for index, column in enumerate(columns)}
    return Plan(
        kind=kind,
        columns=tuple(columns),
        preset=preset,
        conventions=conventions,
        assignments=tuple(assignments),
        constants=mapping.constants | ({"pipeline": stated.pipeline} if stated.pipeline else {}),
        key=tuple(positions[column] for column in mapping.key),
        unmapped=tuple(unmapped),
        ignored=tuple(column for column in columns if column in ignored),
        remarks=tuple(remarks),
    )


def _preset(name: str | None, columns: Sequence[str]) -> str | None:
    if name is None:
        return recognise(columns)
    if name not in PRESETS:
        raise FileUnusable(None, f"there is no preset {name}; it is one of {', '.join(PRESETS)}")
    # The reader of vCards gives fields of the API; their names need the automatic vocabulary for anything else.
    return None if name == "vcard" else name


def _check_named(named: Sequence[str], columns: Sequence[str]) -> None:
    missing = [column for column in named if column not in columns]
    if missing:
        raise FileUnusable(None, f"the mapping names columns that the file does not have: {', '.join(missing)}")


def _own_paths(kind: Kind, columns: Sequence[str]) -> dict[str, str]:
    """Take columns that are named by field paths, as our own exports and error files name them."""
    return {
        column: column
        for column in columns
        if (target := parse_target(kind, column))
        and ("[" in column or "." in column or "_" in column or target.whole or target.type == "list")
    }


def _translated(path: str, vocabulary: Vocabulary) -> ColumnRule:
    return ColumnRule(to=path, values=vocabulary.translate.get(path, {}))


def _assignments(kind: Kind, columns: Sequence[str], chosen: dict[str, ColumnRule]) -> list[Assignment]:
    found: list[Assignment] = []
    for index, column in enumerate(columns):
        rule = chosen.get(column)
        if rule is None:
            continue
        if rule.type is not None and rule.type not in CUSTOM_TYPES:
            raise FileUnusable(None, f"{rule.type!r} is no type of field; it is one of {', '.join(CUSTOM_TYPES)}")
        for path in (rule.to, *rule.also):
            target = parse_target(kind, path)
            if target is None:
                raise FileUnusable(None, f"{kind} have no field {path!r}, to which the column {column!r} is mapped")
            found.append(Assignment(index, column, target, structs.replace(rule, to=path)))
    return found


def _conventions(
    stated: Stated,
    mapping: MappingFile,
    vocabularies: Sequence[Vocabulary],
    assignments: Sequence[Assignment],
    default_source: str,
) -> Conventions:
    defaults: dict[str, Any] = {}
    blanks: set[str] = set(mapping.blanks)
    for vocabulary in vocabularies:
        defaults |= vocabulary.defaults
        blanks |= vocabulary.blanks
        for assignment in assignments:
            if currency := vocabulary.currencies.get(normal(assignment.column)):
                defaults.setdefault("currency", currency)
    source = stated.source or mapping.source or str(defaults.get("source", default_source))
    region = stated.region or mapping.region
    zone = stated.time_zone or mapping.time_zone or "UTC"
    dates = stated.dates or mapping.dates or str(defaults.get("dates", ""))
    decimal = stated.decimal or mapping.decimal
    _check_conventions(region, zone, dates, decimal)
    return Conventions(
        source=source,
        customer_source=mapping.customer_source or source,
        region=region.upper() if region else None,
        currency=(stated.currency or mapping.currency or str(defaults.get("currency", ""))).upper(),
        dates=dates,
        decimal=decimal,
        time_zone=zone,
        separator=mapping.separator or defaults.get("separator"),
        blanks=frozenset(blanks),
    )


def _check_conventions(region: str | None, zone: str, dates: str, decimal: str | None) -> None:
    if region and not (len(region) == len("XX") and region.isalpha()):
        raise FileUnusable(None, f"{region!r} is no ISO 3166 code of a country")
    if dates not in {"", "dmy", "mdy", "ymd"}:
        raise FileUnusable(None, f"the order of dates is dmy, mdy or ymd, not {dates!r}")
    if decimal not in {None, ".", ","}:
        raise FileUnusable(None, f"the decimal mark is a point or a comma, not {decimal!r}")
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise FileUnusable(None, f"there is no time zone {zone!r}") from error


def _without_currency(
    kind: Kind, assignments: list[Assignment], conventions: Conventions, mapping: MappingFile
) -> tuple[list[Assignment], list[str], list[str]]:
    """Leave amounts of money out where nothing says which currency they are in."""
    known = conventions.currency or any("currency" in path for path in mapping.constants)
    if known or any(a.target.attribute == "currency" or a.target.field == "currency" for a in assignments):
        return assignments, [], []
    money = [a for a in assignments if a.target.field == "annual_revenue"]
    if kind == "orders" or any(a.target.field in _MONEY and a.target.type == DECIMAL for a in assignments):
        raise FileUnusable(None, "nothing says which currency the amounts are in; state it with --currency")
    columns = [a.column for a in money]
    remarks = [f"Left out {', '.join(columns)}: state the currency with --currency."] if columns else []
    return [a for a in assignments if a not in money], columns, remarks

"""Figures of reports as people read them: thousands apart, shares in percent, months by name."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

Document = Mapping[str, Any]
_SHARES: Final = frozenset({"share", "probability"})
_DATE: Final = 10
MISSING: Final = "-"
NUMBERS: Final = frozenset({"integer", "decimal", "number"})


def heading(name: str) -> str:
    """Write the name of a column as a heading."""
    return name if "." in name else name.replace("_", " ").capitalize()


def cell(value: Any, column: Document) -> str:
    """Write a figure."""
    if value is None:
        return MISSING
    match column["type"]:
        case "integer":
            return f"{int(value):,}"
        case "number" if column["unit"] in _SHARES:
            return f"{float(value):.2%}"
        case "decimal" | "number":
            exact = Decimal(str(value))
            return f"{exact:,.2f}" if column["type"] == "number" else f"{exact:,f}"
        case "date":
            return _period(str(value), str(column["name"]))
        case "time":
            return str(value)[:19].replace("T", " ")
        case "boolean":
            return "yes" if value else "no"
        case _:
            return str(value)


def _period(day: str, period: str) -> str:
    if len(day) != _DATE:
        return day
    match period:
        case "year":
            return day[:4]
        case "quarter":
            return f"{day[:4]} Q{(int(day[5:7]) + 2) // 3}"
        case "month":
            return day[:7]
        case _:
            return day

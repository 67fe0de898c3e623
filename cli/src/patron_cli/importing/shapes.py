"""Say what a shape of bodies is: its single values, lists, objects and free names, each with a type of cell."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["people", "companies", "orders", "interactions", "deals", "leads", "products", "sales-team"]
SALES: frozenset[Kind] = frozenset({"deals", "leads", "products", "sales-team"})

TEXT, DATE, MOMENT, DECIMAL, INTEGER, BOOLEAN, LIST, NUMBER = (
    "text",
    "date",
    "datetime",
    "decimal",
    "integer",
    "boolean",
    "list",
    "number",
)


@dataclass(frozen=True, slots=True)
class Group:
    """A list of entries in the body.

    key: attribute that a bare path means; one of `needs` makes an entry worth sending.
    attributes: name and type of every attribute.
    types: values of the attribute `type`; empty where entries have none.
    """

    key: str
    attributes: dict[str, str]
    needs: frozenset[str]
    types: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Shape:
    """What a body of one kind may hold.

    values: single values by name; groups: lists of entries; structs: objects with the attribute that a bare
    path means; maps: free names, such as custom fields.
    """

    values: dict[str, str]
    groups: dict[str, Group]
    structs: dict[str, tuple[str, dict[str, str]]]
    maps: frozenset[str]

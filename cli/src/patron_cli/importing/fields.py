"""Know the fields of the bulk routes and the paths that name them in mappings.

A path is `given_name`, `emails[work]`, `emails[2].value`, `addresses[home].locality`, `custom.shoe size`.
The slot in brackets tells cells apart that make one entry of a list; where it is a type of that list, it is
also the entry's type.
"""

import re
from dataclasses import dataclass

from patron_cli.importing.sales_shapes import SALES_SHAPES
from patron_cli.importing.shapes import BOOLEAN, DATE, DECIMAL, INTEGER, LIST, MOMENT, TEXT, Group, Kind, Shape

_PATH = re.compile(r"([a-z_]+)(?:\[([^\]]+)\])?(?:\.(.+))?\Z")


_PLACES = frozenset({"work", "home", "other"})
_POSTAL = ("street_address", "extended_address", "locality", "region", "postal_code", "country")
EMAILS = Group("value", {"value": TEXT, "type": TEXT, "primary": BOOLEAN}, frozenset({"value"}), _PLACES)
PHONES = Group(
    "value",
    {"value": TEXT, "type": TEXT, "primary": BOOLEAN, "region": TEXT},
    frozenset({"value"}),
    _PLACES | {"cell", "fax", "pager"},
)
ADDRESSES = Group(
    "street_address",
    {**dict.fromkeys(_POSTAL, TEXT), "type": TEXT, "primary": BOOLEAN},
    frozenset(_POSTAL),
    _PLACES,
)
SOCIAL = Group("handle", {"service": TEXT, "handle": TEXT, "url": TEXT}, frozenset({"handle", "url"}))
COMPANIES = Group(
    "name",
    {"name": TEXT, "external_id": TEXT, "role": TEXT, "from": DATE, "to": DATE, "primary": BOOLEAN},
    frozenset({"name", "external_id"}),
)
EXTERNAL_IDS = Group("id", {"source": TEXT, "id": TEXT}, frozenset({"id"}))
LINES = Group(
    "amount",
    {"sku": TEXT, "name": TEXT, "quantity": DECIMAL, "unit_price": DECIMAL, "amount": DECIMAL},
    frozenset({"sku", "name", "quantity", "unit_price", "amount"}),
)
_SHARED_GROUPS = {
    "emails": EMAILS,
    "phones": PHONES,
    "addresses": ADDRESSES,
    "social": SOCIAL,
    "external_ids": EXTERNAL_IDS,
}
_TOUCH = {"source": TEXT, "medium": TEXT, "campaign": TEXT, "at": MOMENT}
_CUSTOMER = {"external_id": TEXT, "email": TEXT, "person_id": TEXT, "company_id": TEXT, "source": TEXT}


_NAMES = ("given_name", "family_name", "additional_name", "honorific_prefix", "honorific_suffix", "nickname")
_PERSON_TEXTS = (
    *_NAMES,
    "full_name",
    "external_id",
    "job_title",
    "department",
    "language",
    "time_zone",
    "gender",
    "description",
    "owner",
    "team",
    "lifecycle_stage",
    "lead_source",
)
SHAPES: dict[Kind, Shape] = {
    "people": Shape(
        values={**dict.fromkeys(_PERSON_TEXTS, TEXT), "birth_date": DATE, "tags": LIST, "urls": LIST},
        groups={**_SHARED_GROUPS, "companies": COMPANIES},
        structs={"first_touch": ("source", _TOUCH), "last_touch": ("source", _TOUCH)},
        maps=frozenset({"custom", "preferences"}),
    ),
    "companies": Shape(
        values={
            **dict.fromkeys(("name", "external_id", "legal_name", "website", "industry", "description"), TEXT),
            **dict.fromkeys(("owner", "team"), TEXT),
            "employees": INTEGER,
            "founding_year": INTEGER,
            "domains": LIST,
            "tags": LIST,
        },
        groups=_SHARED_GROUPS,
        structs={
            "annual_revenue": ("amount", {"amount": DECIMAL, "currency": TEXT}),
            "parent": ("external_id", {"external_id": TEXT, "company_id": TEXT}),
        },
        maps=frozenset({"custom"}),
    ),
    "orders": Shape(
        values={
            **dict.fromkeys(("external_id", "currency", "status"), TEXT),
            "ordered_at": MOMENT,
            "amount": DECIMAL,
        },
        groups={"lines": LINES},
        structs={"customer": ("external_id", _CUSTOMER)},
        maps=frozenset(),
    ),
    "interactions": Shape(
        values={
            **dict.fromkeys(("external_id", "kind", "channel", "direction", "subject", "body"), TEXT),
            "occurred_at": MOMENT,
            "duration_s": INTEGER,
        },
        groups={},
        structs={"customer": ("external_id", _CUSTOMER)},
        maps=frozenset({"properties"}),
    ),
    **SALES_SHAPES,
}


@dataclass(frozen=True, slots=True)
class Target:
    """Where a column goes.

    slot: tells the entries of a list apart, "" for the only one; attribute: "" for single values.
    whole: the path names a list or object as such, so that a cell may hold it as JSON.
    """

    field: str
    slot: str
    attribute: str
    type: str
    whole: bool = False


def parse_target(kind: Kind, path: str) -> Target | None:
    """Understand a path; None where the kind has no such field."""
    shape = SHAPES[kind]
    match = _PATH.match(path.strip())
    if not match:
        return None
    name, slot, attribute = match[1], match[2] or "", match[3] or ""
    if name in shape.values:
        return None if slot or attribute else Target(name, "", "", shape.values[name])
    if group := shape.groups.get(name):
        wanted = attribute or group.key
        if wanted not in group.attributes:
            return None
        return Target(name, slot, wanted, group.attributes[wanted], whole=not slot and not attribute)
    if name in shape.structs and not slot:
        key, attributes = shape.structs[name]
        wanted = attribute or key
        return Target(name, "", wanted, attributes[wanted], whole=not attribute) if wanted in attributes else None
    if name in shape.maps and not slot:
        return Target(name, "", attribute, TEXT, whole=not attribute)
    return None

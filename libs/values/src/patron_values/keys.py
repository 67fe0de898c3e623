"""Unique keys of people and companies, and the claims that hold them; the contexts that find customers share them.

A claim is an aggregate of the contacts context whose id is a keyed hash of the key, so that the log shows no address.
"""

from hashlib import sha1
from typing import Final, NamedTuple
from uuid import UUID

from patron_events.vault import BlindIndex

PEOPLE: Final = "people"
COMPANIES: Final = "companies"
_IDS: Final = UUID("0f5c5c0e-5f5d-5f6f-9c8e-7a1f3f0f2b11")


class UniqueKey(NamedTuple):
    """A key of a record: `kind` is email, external-id or custom:<name>; `value` holds its parts."""

    kind: str
    value: tuple[str, ...]

    @property
    def field(self) -> str:
        """The part of the record's body that holds it."""
        if self.kind == "email":
            return "emails"
        return "external_ids" if self.kind == "external-id" else self.kind.replace(":", ".")


def claim_id(index: BlindIndex, entity: str, key: UniqueKey) -> str:
    """Name the claim of a unique key; `entity` is people or companies."""
    return index.of(entity, key.kind, *key.value)


def name_id(name: str) -> tuple[str, str]:
    """Give the external id under which a company is found by its name."""
    return ("name", " ".join(name.casefold().split()))


def derived_id(*parts: str) -> str:
    """Derive an id that is the same whenever its parts are (UUIDv5, RFC 9562)."""
    name = "|".join([f"{len(part)}:{part}" for part in parts])
    # What uuid.uuid5 computes, at a fifth of its cost: bulk requests derive an id for every item.
    digest = bytearray(sha1(_IDS.bytes + name.encode(), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def company_by_name(key: UniqueKey) -> str:
    """Derive the id of a company that is created because somebody named it; key: of `name_id`."""
    return derived_id("company-by-name", *key.value)


def person_of_lead(lead_id: str) -> str:
    """Derive the id of a person who is created because a lead was converted."""
    return derived_id("person-of-lead", lead_id)

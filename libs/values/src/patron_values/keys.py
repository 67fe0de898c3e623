"""Unique keys of people and companies, and the claims that hold them; the contexts that find customers share them.

A claim is an aggregate of the contacts context whose id is a keyed hash of the key, so that the log shows no address.
"""

from typing import Final, NamedTuple

from patron_events.vault import BlindIndex

PEOPLE: Final = "people"
COMPANIES: Final = "companies"


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

"""Find people and companies in the log of the contacts context; nothing is ever written there from here."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from patron_events.journal import AnyDecider, Journal
from patron_events.rejections import Invalid
from patron_events.vault import BlindIndex
from patron_pipeline.domain.known import COMPANY, HELD, PERSON, Known
from patron_values.contact_points import email_key
from patron_values.keys import COMPANIES, PEOPLE, UniqueKey, claim_id, name_id
from patron_values.texts import required_text

Body = Mapping[str, Any]
USABLE: Final = frozenset({"live", "archived"})


class PersonNotFound(Invalid):
    """The contacts context knows no such person, or has erased them."""

    code: ClassVar[str] = "person-not-found"


class CompanyNotFound(Invalid):
    """The contacts context knows no such company, or has erased it."""

    code: ClassVar[str] = "company-not-found"


class ReferenceNotOne(Invalid):
    """A person or company is named in exactly one way."""

    code: ClassVar[str] = "reference-not-one"


@dataclass(frozen=True, slots=True)
class Ref:
    """A person or company as a caller names it: by id, or by a unique key. path: where in the request."""

    entity: str
    path: str
    id: str | None = None
    key: UniqueKey | None = None


def external_key(body: Body, path: str) -> UniqueKey:
    """Read `{"source": …, "id": …}`; raises TextEmpty, TextInvalid, TextTooLong."""
    pair = (required_text(body.get("source"), f"{path}.source"), required_text(body.get("id"), f"{path}.id"))
    return UniqueKey("external-id", pair)


def person_ref(body: Body, prefix: str = "") -> Ref | None:
    """Read how a body names a person: `person_id`, `person_external_id` or `person_email`; None where it does not.

    Raises:
        ReferenceNotOne: in several ways. EmailInvalid, TextEmpty and the like: as the values say.
    """
    name = _only(body, ("person_id", "person_external_id", "person_email"), prefix)
    if name is None:
        return None
    path = f"{prefix}{name}"
    if name == "person_id":
        return Ref(PEOPLE, path, id=str(body[name]))
    if name == "person_email":
        return Ref(PEOPLE, path, key=UniqueKey("email", (email_key(body[name], path),)))
    return Ref(PEOPLE, path, key=external_key(body[name], path))


def company_ref(body: Body, prefix: str = "") -> Ref | None:
    """Read how a body names a company: `company_id` or `company_external_id`; None where it does not.

    Raises:
        ReferenceNotOne: in both ways.
    """
    name = _only(body, ("company_id", "company_external_id"), prefix)
    if name is None:
        return None
    path = f"{prefix}{name}"
    if name == "company_id":
        return Ref(COMPANIES, path, id=str(body[name]))
    return Ref(COMPANIES, path, key=external_key(body[name], path))


def _only(body: Body, names: tuple[str, ...], prefix: str) -> str | None:
    given = [name for name in names if body.get(name) is not None]
    if len(given) > 1:
        raise ReferenceNotOne(field=f"{prefix}{given[1]}")
    return given[0] if given else None


def company_named(name: str) -> UniqueKey:
    """Give the key under which imports of contacts keep a company by its name."""
    return UniqueKey("external-id", name_id(name))


@dataclass(frozen=True, slots=True)
class Finding:
    """Looks people and companies up, always current."""

    journal: Journal
    index: BlindIndex

    async def holders(self, entity: str, keys: Collection[UniqueKey]) -> Mapping[UniqueKey, str]:
        """Find which live record holds each key, in one round trip; keys that nobody holds are absent."""
        if not keys:
            return {}
        claims = {claim_id(self.index, entity, key): key for key in keys}
        wanted: list[tuple[AnyDecider, str]] = [(HELD, claim) for claim in claims]
        loaded = await self.journal.load_each(wanted)
        return {claims[stream.id]: one.state.owner for stream, one in loaded.items() if one.state.owner is not None}

    async def known(self, entity: str, ids: Collection[str]) -> Mapping[str, Known]:
        """Read people or companies by id, together; ids of nobody answer with the status `absent`."""
        decider = PERSON if entity == PEOPLE else COMPANY
        loaded = await self.journal.load_each([(decider, one) for one in sorted(set(ids))]) if ids else {}
        return {stream.id: one.state for stream, one in loaded.items()}

    async def found(self, refs: Iterable[Ref]) -> Mapping[Ref, str]:
        """Find the ids of many references in two round trips; those that lead to nobody (or erased) are absent."""
        wanted = list(refs)
        answer: dict[Ref, str] = {}
        for entity in (PEOPLE, COMPANIES):
            mine = [ref for ref in wanted if ref.entity == entity]
            held = await self.holders(entity, {ref.key for ref in mine if ref.key is not None})
            known = await self.known(entity, {ref.id for ref in mine if ref.id is not None})
            for ref in mine:
                if ref.key is not None and ref.key in held:
                    answer[ref] = held[ref.key]
                elif ref.id is not None and known[ref.id].status in USABLE:
                    answer[ref] = ref.id
        return answer

    async def one(self, ref: Ref | None) -> str | None:
        """Find the id of one reference; None for none.

        Raises:
            PersonNotFound, CompanyNotFound: it leads to nobody.
        """
        if ref is None:
            return None
        found = (await self.found([ref])).get(ref)
        if found is None:
            raise (PersonNotFound if ref.entity == PEOPLE else CompanyNotFound)(field=ref.path)
        return found

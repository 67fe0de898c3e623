"""Log interactions and orders, one or many: grouped by customer, one commit a customer."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

import msgspec
from msgspec import structs

from patron_contacts.domain.activity import ACTIVITY, RecordActivity, ref_of
from patron_contacts.domain.activity_body import CustomerRef, customer_ref
from patron_contacts.domain.company import COMPANY
from patron_contacts.domain.errors import CustomerNotFound, RepeatedInRequest
from patron_contacts.domain.intake import CompanyRef
from patron_contacts.domain.person import PERSON, CreatePerson
from patron_contacts.domain.record import Changes
from patron_contacts.handlers.bulk import Result, item_asked, rejected
from patron_contacts.handlers.records import Body, Records, Target
from patron_events.catalog import contacts as events
from patron_events.decider import Dated
from patron_events.decisions import Asked, Committed, Unit, Work
from patron_events.journal import AnyDecider
from patron_events.rejections import Rejection
from patron_values.keys import COMPANIES, PEOPLE, UniqueKey, derived_id

# Facts of one customer in one commit, and their bytes at most: the log takes messages of up to 1 MB.
GROUP: Final = 200
GROUP_BYTES: Final = 600_000
CUSTOMERS: Final = 500
Reader = Callable[[Body, str, datetime], Dated]
Ref = tuple[str, str, str]


@dataclass(slots=True)
class _Group:
    """Items of one customer that go into one commit, and what their commit recorded.

    company_id: the company that a person acted for; items for different companies stand or fall by themselves.
    """

    customer: CustomerRef
    company_id: str | None = None
    items: list[tuple[int, Dated]] = field(default_factory=list[tuple[int, Dated]])
    size: int = 0
    recorded: set[Ref] = field(default_factory=set[Ref])
    known: dict[Ref, str] = field(default_factory=dict[Ref, str])


def _ref(dated: Dated) -> Ref:
    fact = dated.fact
    if not isinstance(fact, events.InteractionLogged | events.OrderPlaced):
        msg = f"{type(fact).__name__} is no activity"
        raise TypeError(msg)
    return ref_of(fact)


def person_by_id(key: UniqueKey) -> str:
    """Derive the id of a person who is created because a fact names an external id that nobody has."""
    return derived_id("person-by-external-id", *key.value)


def _stored_size(dated: Dated) -> int:
    """Tell about how many bytes a fact takes in the log; sealed parts grow by a third (base64)."""
    return len(msgspec.json.encode(dated.fact)) * 4 // 3 + 300


def of_company(dated: Dated, company_id: str | None) -> Dated:
    """Name the company in the fact, where the customer is one."""
    return dated if company_id is None else replace(dated, fact=structs.replace(dated.fact, company_id=company_id))


@dataclass(frozen=True, slots=True)
class ActivityHandlers:
    """Use cases of one kind of activity.

    kind: interaction or order. reader: reads a body, given the id of the fact and the time now.
    """

    records: Records
    kind: str
    reader: Reader

    async def log(self, body: Body, asked: Asked) -> Result:
        """Record one fact; `unchanged` when its (source, external id) is on record for this customer.

        Raises:
            CustomerNotFound, CompanyNotFound, and the refusals of values.
        """
        (result,) = await self.log_each([body], asked, create_people=False)
        if result.refusal is not None:
            raise result.refusal
        return result

    async def log_each(
        self, bodies: Sequence[Body | Rejection], asked: Asked, *, create_people: bool
    ) -> Sequence[Result]:
        """Record many facts; every item is answered by itself, in order.

        create_people: an unknown external id of a customer makes a person that has nothing but this id.
        """
        results: dict[int, Result] = {}
        groups = self._grouped(bodies, asked, results)
        for start in range(0, len(groups), CUSTOMERS):
            chunk = groups[start : start + CUSTOMERS]
            # Later commits of the same customer must come after its earlier ones, so they share no round.
            await self._chunk(chunk, asked, results, create_people=create_people)
            await asyncio.sleep(0)
        return [results[index] for index in range(len(bodies))]

    def _grouped(self, bodies: Sequence[Body | Rejection], asked: Asked, results: dict[int, Result]) -> list[_Group]:
        now = datetime.now(UTC)
        open_groups: dict[tuple[CustomerRef, str | None], _Group] = {}
        groups: list[_Group] = []
        seen: set[tuple[CustomerRef, Ref]] = set()
        for index, body in enumerate(bodies):
            try:
                if isinstance(body, Rejection):
                    raise body
                customer = customer_ref(body["customer"])
                dated = self.reader(body, self._own_id(body, asked, index), now)
                if (customer, _ref(dated)) in seen:
                    raise RepeatedInRequest(field="external_id")
            except Rejection as refusal:
                results[index] = rejected(refusal)
                continue
            seen.add((customer, _ref(dated)))
            kind = (customer, body.get("company_id"))
            group = open_groups.get(kind)
            size = _stored_size(dated)
            if group is None or len(group.items) >= GROUP or group.size + size > GROUP_BYTES:
                group = open_groups[kind] = _Group(*kind)
                groups.append(group)
            group.items.append((index, dated))
            group.size += size
        return groups

    def _own_id(self, body: Body, asked: Asked, index: int) -> str:
        source, external_id = body.get("source"), body.get("external_id")
        if source and external_id:
            return derived_id(self.kind, source, external_id)
        return derived_id(self.kind, asked.command_id, str(index))

    async def _chunk(
        self, groups: Sequence[_Group], asked: Asked, results: dict[int, Result], *, create_people: bool
    ) -> None:
        journal = self.records.decisions.journal
        keys = {group.customer.key for group in groups if group.customer.key is not None}
        claims = [one for entity in (PEOPLE, COMPANIES) for one in self.records.claims(entity, keys)]
        owners: set[str | None] = {loaded.state.owner for loaded in (await journal.load_each(claims)).values()}
        customers = owners | {group.customer.person_id for group in groups}
        if create_people:
            customers |= {person_by_id(key) for key in keys if key.kind == "external-id"}
        known = sorted(one for one in customers if one is not None)
        reads: list[tuple[AnyDecider, str]] = [(decider, one) for one in known for decider in (PERSON, ACTIVITY)]
        reads += [(COMPANY, one) for one in sorted({group.company_id for group in groups if group.company_id})]
        works: list[tuple[Work, Asked]] = [
            (self._work(group, create_people=create_people), item_asked(asked, group.items[0][0])) for group in groups
        ]
        for group, answer in zip(groups, await self.records.decisions.transact_each(works, reads), strict=True):
            for index, dated in group.items:
                results[index] = self._result(group, dated, answer)

    def _work(self, group: _Group, *, create_people: bool) -> Work:
        async def work(unit: Unit) -> None:
            entity, customer_id = await self._customer(unit, group.customer, create_people=create_people)
            company_id = customer_id if entity == COMPANIES else group.company_id
            if entity == PEOPLE and company_id is not None:
                await self.records.company_id(unit, CompanyRef(company_id=company_id), "company_id")
            dated = [of_company(one, company_id) for _, one in group.items]
            before = await unit.state(ACTIVITY, customer_id)
            refs = [_ref(dated) for _, dated in group.items]
            group.known = {ref: before.known[ref] for ref in refs if ref in before.known}
            facts = await unit.decide(ACTIVITY, customer_id, RecordActivity(dated))
            group.recorded = {_ref(Dated(fact, unit.now)) for fact in facts}

        return work

    async def _customer(self, unit: Unit, ref: CustomerRef, *, create_people: bool) -> tuple[str, str]:
        """Find the customer; answers people or companies, and the id."""
        if ref.key is not None:
            for entity in (PEOPLE, COMPANIES):
                owner = await self.records.owner(unit, entity, ref.key)
                if owner is not None:
                    return entity, owner
            if create_people and ref.key.kind == "external-id":
                return PEOPLE, await self._create_person(unit, ref.key)
            raise CustomerNotFound(field="customer")
        person = ref.person_id is not None
        decider, customer_id = (PERSON, ref.person_id) if person else (COMPANY, ref.company_id)
        if customer_id is None or (await unit.state(decider, customer_id)).status not in ("live", "archived"):
            raise CustomerNotFound(field="customer")
        return PEOPLE if person else COMPANIES, customer_id

    async def _create_person(self, unit: Unit, key: UniqueKey) -> str:
        person_id = person_by_id(key)
        source, own = key.value
        ids = {"external_ids": (events.ExternalId(source, own),)}
        changes = Changes(facets={events.ExternalIdsChanged: ids}, custom={}, definitions={})
        await self.records.apply(unit, PEOPLE, Target(PERSON, person_id, {}), CreatePerson(changes))
        return person_id

    def _result(self, group: _Group, dated: Dated, answer: Committed | Rejection) -> Result:
        if isinstance(answer, Rejection):
            return rejected(answer)
        ref, fact = _ref(dated), dated.fact
        own = fact.interaction_id if isinstance(fact, events.InteractionLogged) else getattr(fact, "order_id", None)
        # A repeated command is told what it was told the first time: its facts are the ones it recorded then.
        status = "created" if answer.repeated or ref in group.recorded else "unchanged"
        return Result(status, group.known.get(ref, own), answer.version, answer.last or answer.position.sequence)

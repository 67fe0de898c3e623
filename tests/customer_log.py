"""A log of plausible customers for tests of read models: seeded, with every kind of fact, over any store."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

from patron_events.catalog import contacts as events
from patron_events.codec import encode_event
from patron_events.envelope import GENESIS, Actor, Cause, Commit, StreamId, encode_commit
from patron_events.registry import Fact
from patron_events.store import Append, EventStore
from patron_events.vault import KeyVault

BEGIN = datetime(2024, 3, 1, 9, 30, tzinfo=UTC)
GIVEN = ("Ann", "Böb", "Carla", "Дмитрий", "Eve", "فريد", "Grace", 'Hu"go\\')
FAMILY = ("Smith", "Müller", "García", "Ivanov", "O'Neil", "李", "Haddad", "Novák\tTab")


class CustomerLog:
    """Appends commits of one context, each with its own guard, chained by their hashes."""

    def __init__(self, store: EventStore, vault: KeyVault, seed: int = 1, context: str = "contacts") -> None:
        self.store = store
        self.vault = vault
        self.random = Random(seed)
        self.context = context
        self.people: list[str] = []
        self.companies: list[str] = []
        self.events = 0
        self.last = 0
        self._heads: dict[StreamId, tuple[int, int, str]] = {}
        self._clock = BEGIN

    def new_id(self) -> str:
        """Make a random UUID that the seed decides."""
        return str(UUID(int=self.random.getrandbits(128), version=4))

    async def record(self, category: str, aggregate_id: str, *facts: Fact, at: datetime | None = None) -> int:
        """Append one commit; answers its sequence."""
        stream = StreamId(self.context, category, aggregate_id)
        (sequence,) = await self.store.append([await self._append(stream, facts, at)])
        return self._took(stream, sequence)

    async def record_all(self, commits: Sequence[tuple[str, str, Sequence[Fact]]]) -> None:
        """Append many commits of different aggregates in one atomic group."""
        groups: list[Append] = []
        for category, aggregate_id, facts in commits:
            groups.append(await self._append(StreamId(self.context, category, aggregate_id), facts, None))
        for append, sequence in zip(groups, await self.store.append(groups), strict=True):
            self._took(append.stream, sequence)

    async def _append(self, stream: StreamId, facts: Sequence[Fact], at: datetime | None) -> Append:
        self._clock += timedelta(seconds=self.random.randrange(1, 90), microseconds=self.random.randrange(10**6))
        occurred_at = at or self._clock
        version, sequence, prev = self._heads.get(stream, (0, 0, GENESIS))
        keys = await self.vault.find([stream.id])
        stored = tuple(encode_event(fact, occurred_at, stream.id, keys.get(stream.id)) for fact in facts)
        actor = Actor("user", f"user-{self.random.randrange(4)}", ("agent",), "192.0.2.7")
        commit_id = self.new_id()
        cause = Cause(correlation_id=f"c-{commit_id[:8]}")
        body, digest = encode_commit(Commit(commit_id, self._clock, actor, cause, version + 1, prev, stored))
        self._heads[stream] = (version + 1, sequence, digest)
        self.events += len(facts)
        return Append(stream, sequence, commit_id, body)

    async def append_bytes(self, category: str, aggregate_id: str, body: bytes) -> int:
        """Append whatever body in the place of a commit; answers its sequence."""
        stream = StreamId(self.context, category, aggregate_id)
        version, sequence, digest = self._heads.get(stream, (0, 0, GENESIS))
        (sequence,) = await self.store.append([Append(stream, sequence, self.new_id(), body)])
        self._heads[stream] = (version + 1, sequence, digest)
        return self._took(stream, sequence)

    def _took(self, stream: StreamId, sequence: int) -> int:
        version, _, digest = self._heads[stream]
        self._heads[stream] = (version, sequence, digest)
        self.last = max(self.last, sequence)
        return sequence

    # -- a plausible history --------------------------------------------------------------------------------------

    async def person(self) -> str:
        """Record a new person; answers the id."""
        person_id = self.new_id()
        await self.vault.create([person_id])
        await self.record("person", person_id, *self.person_facts(len(self.people)))
        self.people.append(person_id)
        return person_id

    def person_facts(self, number: int) -> list[Fact]:
        """State what is known of a new person."""
        given, family = self.random.choice(GIVEN), self.random.choice(FAMILY)
        address = events.EmailAddress(f"person{number}@example.com", "work", primary=True)
        return [
            events.PersonCreated(),
            events.PersonNamed(given_name=given, family_name=family),
            events.EmailsChanged(emails=(address,)),
            events.TagsChanged(tags=("imported", f"group-{number % 5}")),
            events.LifecycleStageChanged(to="lead"),
            events.CustomFieldsChanged(
                fields=(
                    events.Attribute("plan", self.random.choice(("gold", "tin"))),
                    events.Attribute("score", number),
                ),
                personal=(events.Attribute("nick", given),),
            ),
            events.ExternalIdsChanged(external_ids=(events.ExternalId("legacy", str(number)),)),
        ]

    async def company(self) -> str:
        """Record a new company; answers the id."""
        company_id = self.new_id()
        await self.vault.create([company_id])
        named = events.CompanyNamed(name=f"{self.random.choice(FAMILY)} {len(self.companies)} Ltd")
        details = events.CompanyDetailsChanged(industry="tools", employees=12, annual_revenue=events.Money(5, "EUR"))
        await self.record("company", company_id, events.CompanyCreated(), named, details)
        self.companies.append(company_id)
        return company_id

    async def anything(self, *, erasures: bool = True) -> None:
        """Record something that may happen next."""
        dice = self.random.random()
        if len(self.people) < 5 or dice < 0.1:
            await self.person()
        elif not self.companies or dice < 0.13:
            await self.company()
        elif dice < 0.15 and len(self.people) > 20 and erasures:
            await self.erase(self.people.pop(self.random.randrange(len(self.people))))
        elif dice < 0.5:
            await self.record("activity", self.random.choice(self.people), self._activity())
        else:
            await self.record("person", self.random.choice(self.people), self.change())

    async def erase(self, record_id: str, category: str = "person") -> int:
        """Destroy the key of a record, and record that."""
        await self.vault.destroy(record_id)
        return await self.record(category, record_id, events.RecordErased(reason="request"))

    def _activity(self) -> Fact:
        company = self.random.choice([None, *self.companies])
        if self.random.random() < 0.5:
            amount = self.random.randrange(1, 90_000)
            return events.OrderPlaced(order_id=self.new_id(), currency="USD", amount_minor=amount, company_id=company)
        return events.InteractionLogged(
            interaction_id=self.new_id(),
            kind=self.random.choice(("call", "email", "visit")),
            channel="phone",
            direction="inbound",
            subject='Asked "why"\\\n',
            body="x" * self.random.randrange(200),
            company_id=company,
        )

    def change(self) -> Fact:
        """Make a fact that may follow about any person."""
        random, company = self.random, self.random.choice(self.companies)
        choices: list[Fact] = [
            events.PersonNamed(given_name=random.choice(GIVEN), family_name=random.choice(FAMILY)),
            events.PersonDetailsChanged(job_title="Driver", department=random.choice((None, "Sales"))),
            events.PersonDetailsChanged(language="de"),
            events.PreferencesChanged(preferences=(events.Attribute("newsletter", random.random() < 0.5),)),
            events.TagsChanged(tags=tuple(random.sample(("a", "b", "c,d", 'e"f', "g\\h"), 2))),
            events.PhonesChanged(phones=(events.PhoneNumber("030 1", "+49301", primary=True),)),
            events.AddressesChanged(addresses=(events.PostalAddress(locality="Köln", country="DE", primary=True),)),
            events.NoteAdded(note_id=self.new_id(), text="line one\nline two", author="user-1"),
            events.LifecycleStageChanged(to=random.choice(("customer", "opportunity")), was="lead"),
            events.CompanyLinked(company_id=company, role="buyer"),
            events.CompanyUnlinked(company_id=company),
            events.OwnerAssigned(owner=f"user-{random.randrange(3)}"),
            events.RecordArchived(),
            events.RecordRestored(),
            events.CustomFieldsChanged(fields=(events.Attribute("plan", "lead"),)),
            events.ConsentGiven(purpose=random.choice(("newsletter", "calls")), channel="email", source="web-form"),
            events.ConsentWithdrawn(purpose="newsletter"),
            events.AcquisitionChanged(first_touch=(events.Touch(source="web", at=BEGIN),)),
        ]
        return random.choice(choices)

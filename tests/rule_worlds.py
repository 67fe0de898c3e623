"""Customers at random for tests of rules: as plain data, and as the rows that read models would have of them.

Times lie on a coarse grid, so that facts often stand exactly on the border of a period.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import JSONB

from patron_projections import activities, companies, people
from patron_projections.engine.tables import SCHEMA, create_tables
from patron_rules import rfm
from patron_rules.evaluation import Customer, Fact, Link
from patron_rules.fields import CustomField, Definitions
from patron_rules.forms import email_key, number_key

BASE = datetime(2024, 3, 1, tzinfo=UTC)  # near a leap day, the end of a winter time and of a month
STEP = timedelta(hours=6)
TEXTS = ("Ann", "ann", "ÄNNE", "İx", "a%b_c\\", "DE", "gold")
KINDS = ("call", "email", "visit")
CURRENCIES = ("EUR", "USD", "JPY")
STATUSES = ("paid", "returned")
SKUS = ("x1", "y2", "z3")
EMAILS = ("ann@example.com", "Ann@Example.com", "bob@example.com")
PHONES = ("+49301", "0049 30 1", "+1 (555) 01")
PURPOSES = ("newsletter", "calls")
DAYS = (
    *(BASE.date() + timedelta(days=days) for days in (-400, -30, -7, -2, -1, 0, 1, 2, 7, 30)),
    *(date(2020, 2, 29), date(1969, 2, 28)),
)
MIXED: tuple[Any, ...] = ("gold", "7", 7, 7.5, 0.1, True, False, "2024-03-01")
COMPANIES = tuple(UUID(int=number, version=4) for number in range(1, 7))
SEGMENTS = tuple(str(UUID(int=number, version=4)) for number in range(100, 104))
DEFINITIONS = Definitions(
    people={
        "plan": CustomField("string"),
        "score": CustomField("number"),
        "seats": CustomField("integer"),
        "ok": CustomField("boolean"),
        "since": CustomField("date"),
        "seen": CustomField("datetime"),
        "secret": CustomField("string", personal=True),
    },
    companies={"tier": CustomField("enum", ("gold", "tin")), "until": CustomField("date")},
)
_PERSON_TEXTS = (
    "given_name", "family_name", "additional_name", "nickname", "honorific_prefix", "honorific_suffix", "display_name",
    "country", "region", "locality", "postal_code", "gender", "job_title", "description", "language", "time_zone",
    "department", "lead_source", "lifecycle_stage", "owner", "team",
)  # fmt: skip
_COMPANY_TEXTS = (
    "name", "legal_name", "website", "industry", "country", "region", "locality", "postal_code", "owner", "team",
)  # fmt: skip
_WRONG: tuple[Any, ...] = ("", "soon", "2023-02-30", "2024-13-01", "0000-01-01", "2024-03-01T25:00:00Z", 5, True, None)


@dataclass(frozen=True, slots=True)
class Version:
    """A record as it was from a moment on."""

    recorded_at: datetime
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Done:
    """A fact, and when it was recorded."""

    fact: Fact
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Turn:
    """A customer entered or left a segment. recorded_at: when that was told."""

    segment: str
    at: datetime
    recorded_at: datetime
    entered: bool


@dataclass
class World:
    """People and companies with all their versions, what the people did, and what else rules look at."""

    people: dict[UUID, list[Version]] = field(default_factory=dict[UUID, list[Version]])
    companies: dict[UUID, list[Version]] = field(default_factory=dict[UUID, list[Version]])
    done: dict[UUID, list[Done]] = field(default_factory=dict[UUID, list[Done]])
    segments: dict[UUID, frozenset[str]] = field(default_factory=dict[UUID, frozenset[str]])
    turns: dict[UUID, list[Turn]] = field(default_factory=dict[UUID, list[Turn]])
    scores: dict[UUID, dict[str, Any]] = field(default_factory=dict[UUID, dict[str, Any]])

    def customers(self, as_of: datetime | None = None, known_at: datetime | None = None) -> dict[UUID, Customer]:
        """Give the customers as plain data, as they are last known or as of a moment by both clocks."""
        known = {one: _at(versions, as_of, known_at) for one, versions in self.companies.items()}
        answer: dict[UUID, Customer] = {}
        for person, versions in self.people.items():
            values = _at(versions, as_of, known_at)
            if values is None or values["archived"] or values["erased"]:
                continue
            links = [
                Link(company, there, end)
                for company, end in values["links"].items()
                if (there := known.get(company)) is not None
            ]
            facts = [
                one.fact
                for one in self.done[person]
                if (as_of is None or one.fact.at <= as_of) and (known_at is None or one.recorded_at <= known_at)
            ]
            segments = self.segments[person]
            if as_of is not None:
                told = [one for one in self.turns[person] if known_at is None or one.recorded_at <= known_at]
                last = {one.segment: one.entered for one in told if one.at <= as_of}
                segments = frozenset(segment for segment, entered in last.items() if entered)
            answer[person] = Customer(values, links, facts, segments, self.scores[person])
        return answer


def _at(versions: Sequence[Version], as_of: datetime | None, known_at: datetime | None) -> Mapping[str, Any] | None:
    """Give the newest version by a moment; the first one known where there was none yet."""
    known = [one for one in versions if known_at is None or one.recorded_at <= known_at]
    newest = [one for one in known if as_of is None or one.recorded_at <= as_of] or known[:1]
    return newest[-1].values if newest else None


class Maker:
    """Makes worlds; the seed decides."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def world(self, size: int) -> World:
        """Make a world of so many people."""
        world = World()
        for company in COMPANIES:
            world.companies[company] = self._versions(self._company)
        for _ in range(size):
            person = UUID(int=self._random.getrandbits(128), version=4)
            world.people[person] = self._versions(self._person)
            world.done[person] = [self._done() for _ in range(self._random.choice((0, 0, 1, 2, 3, 5, 9)))]
            world.segments[person] = frozenset(one for one in SEGMENTS if self._random.random() < 0.3)
            world.turns[person] = self._turns()
            names = ("recency", "frequency", "monetary")
            scores: dict[str, Any] = {name: self._random.randint(1, 5) for name in names}
            world.scores[person] = self._maybe({**scores, "segment": self._random.choice(rfm.NAMES)}) or {}
        return world

    def _turns(self) -> list[Turn]:
        """Let a customer enter and leave segments by turns, in the order of time."""
        times = sorted({self.moment() for _ in range(4)})
        inside: dict[str, bool] = {}
        turns: list[Turn] = []
        for at in times:
            segment = self._random.choice(SEGMENTS)
            inside[segment] = not inside.get(segment, False)
            turns.append(Turn(segment, at, at + STEP * self._random.choice((0, 1)), inside[segment]))
        return turns

    def moment(self) -> datetime:
        """Choose a moment on the grid."""
        return BASE + STEP * self._random.randint(-160, 160)

    def _versions(self, make: Any) -> list[Version]:
        times = sorted({self.moment() for _ in range(self._random.randint(1, 3))})
        return [Version(at, make(at)) for at in times]

    def _maybe(self, value: Any) -> Any:
        return value if self._random.random() < 0.7 else None

    def _some(self, values: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(one for one in values if self._random.random() < 0.4)

    def _time_text(self) -> str:
        text = self.moment().isoformat()
        return self._random.choice((text, text.replace("+00:00", "Z"), text.replace("+00:00", ".5Z")))

    def _custom(self, kinds: Mapping[str, CustomField]) -> dict[str, Any]:
        right = {
            "string": lambda: self._random.choice(TEXTS),
            "enum": lambda: self._random.choice(("gold", "tin")),
            "number": lambda: self._random.choice((7, 7.5, 0.1, -3)),
            "integer": lambda: self._random.choice((0, 7, 12)),
            "boolean": lambda: self._random.random() < 0.5,
            "date": lambda: self._random.choice(DAYS).isoformat(),
            "datetime": self._time_text,
        }
        return {
            name: self._random.choice(_WRONG) if self._random.random() < 0.1 else right[kind.type]()
            for name, kind in kinds.items()
            if self._random.random() < 0.7
        }

    def _record(self, texts: Sequence[str], definitions: Mapping[str, CustomField]) -> dict[str, Any]:
        values: dict[str, Any] = {name: self._maybe(self._random.choice(TEXTS)) for name in texts}
        return {**values, "tags": self._some(("vip", "new", "a,b")), "custom": self._custom(definitions)}

    def _person(self, at: datetime) -> dict[str, Any]:
        random = self._random
        emails, phones = self._some(EMAILS), self._some(PHONES)
        touch = {"source": random.choice(TEXTS), "medium": random.choice(TEXTS), "at": self._time_text()}
        return {
            **self._record(_PERSON_TEXTS, DEFINITIONS.people),
            "emails": emails,
            "email": next(iter(emails), None),
            "phones": phones,
            "phone": next(iter(phones), None),
            "birth_date": self._maybe(random.choice(DAYS)),
            "lifecycle_since": self._maybe(self.moment()),
            "created_at": self.moment(),
            "updated_at": at,
            "notes_count": random.randint(0, 3),
            "external_ids": self._some(("shop:1", "shop:2")),
            "preferences": {name: random.choice(MIXED) for name in self._some(("colour", "size"))},
            "first_touch": self._maybe(touch),
            "last_touch": self._maybe({**touch, "campaign": "gold"}),
            "consents": {purpose: self._consent() for purpose in self._some(PURPOSES)},
            "links": {one: self._maybe(random.choice(DAYS)) for one in self._some(COMPANIES)},
            "archived": random.random() < 0.05,
            "erased": random.random() < 0.05,
        }

    def _consent(self) -> dict[str, Any]:
        state = self._random.choice(("given", "given", "withdrawn"))
        consent = {"state": state, "given_at": self._time_text()}
        return consent if self._random.random() < 0.5 else {**consent, "expires_at": self._time_text()}

    def _company(self, at: datetime) -> dict[str, Any]:
        random = self._random
        return {
            **self._record(_COMPANY_TEXTS, DEFINITIONS.companies),
            "employees": self._maybe(random.choice((0, 7, 500))),
            "founding_year": self._maybe(2001),
            "domains": self._some(("a.example", "b.example")),
            "created_at": at,
            "updated_at": at,
        }

    def _done(self) -> Done:
        random, at = self._random, self.moment()
        shared = {"source": self._maybe(random.choice(TEXTS)), "company_id": self._maybe(random.choice(COMPANIES))}
        recorded_at = at + STEP * random.choice((0, 0, 1, 40))
        if random.random() < 0.5:
            money = {"amount_minor": random.choice((0, 5, 4999, 5000, 5001)), "currency": random.choice(CURRENCIES)}
            bought = {"quantity": random.choice((1, 2.5)), "status": self._maybe(random.choice(STATUSES))}
            return Done(Fact("purchase", at, {**shared, **money, **bought, "sku": self._some(SKUS)}), recorded_at)
        words = {"kind": random.choice(KINDS), "channel": self._maybe("phone"), "direction": self._maybe("inbound")}
        said = {name: random.choice(MIXED) for name in self._some(("page", "score"))}
        duration = self._maybe(random.choice((0, 30, 600)))
        fields = {**shared, **words, "duration_s": duration, "properties": said}
        return Done(Fact("interaction", at, fields), recorded_at)


# -- the same as rows ---------------------------------------------------------------------------------------------


def _shared_row(record: UUID, version: Version, number: int, personal: Mapping[str, CustomField]) -> dict[str, Any]:
    values = version.values
    row = {
        "id": record,
        "position": number,
        "version": number,
        "archived_at": None,
        "emails": None,
        "archived": values.get("archived", False),
        "erased": values.get("erased", False),
        **{name: values[name] for name in ("country", "region", "locality", "postal_code", "owner", "team")},
        "created_at": values["created_at"],
        "updated_at": values["updated_at"],
        "tags": list(values["tags"]) or None,
        "notes_count": values.get("notes_count", 0),
    }
    sealed = {name: value for name, value in values["custom"].items() if personal[name].personal}
    row["custom"] = {name: value for name, value in values["custom"].items() if name not in sealed} or None
    return {**row, "custom_personal": sealed or None}


def _person_row(person: UUID, version: Version, number: int) -> dict[str, Any]:
    values = version.values
    links = [
        {"company_id": str(company), "primary": False, **({} if end is None else {"end": end.isoformat()})}
        for company, end in values["links"].items()
    ]
    same = (*_PERSON_TEXTS, "email", "phone", "birth_date", "lifecycle_since", "first_touch", "last_touch")
    return {
        **_shared_row(person, version, number, DEFINITIONS.people),
        **{name: values[name] for name in same},
        "email_values": [email_key(one) for one in values["emails"]] or None,
        "phone_values": [number_key(one) for one in values["phones"]] or None,
        "external_keys": list(values["external_ids"]) or None,
        "preferences": values["preferences"] or None,
        "consents": values["consents"] or None,
        "companies": links or None,
        "company_ids": list(values["links"]) or None,
    }


def _company_row(company: UUID, version: Version, number: int) -> dict[str, Any]:
    values = version.values
    same = (*_COMPANY_TEXTS, "employees", "founding_year")
    row = _shared_row(company, version, number, DEFINITIONS.companies)
    return {**row, **{name: values[name] for name in same}, "domains": list(values["domains"]) or None}


def _activity_row(customer: UUID, done: Done, number: int) -> dict[str, Any]:
    fields = dict(done.fact.fields)
    said = fields.pop("properties", None)
    return {
        "customer_id": customer,
        "occurred_at": done.fact.at,
        "recorded_at": done.recorded_at,
        "position": number,
        "index": 0,
        "event_id": f"{number}:0",
        "fact": done.fact.kind,
        "erased": False,
        "personal": said,
        "skus": list(fields.pop("sku", ())) or None,
        **fields,
    }


def _insert(connection: psycopg.Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    names = [column.name for column in table.columns if any(column.name in row for row in rows)]
    documents = {column.name for column in table.columns if isinstance(column.type, JSONB)}
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier(SCHEMA, table.name),
        sql.SQL(", ").join(map(sql.Identifier, names)),
        sql.SQL(", ").join(sql.Placeholder() for _ in names),
    )
    with connection.cursor() as cursor:
        cursor.executemany(
            statement,
            [
                [
                    Jsonb(row[name]) if name in documents and row.get(name) is not None else row.get(name)
                    for name in names
                ]
                for row in rows
            ],
        )


TABLES = (people.TABLE, people.VERSIONS, companies.TABLE, companies.VERSIONS, activities.TABLE)
_OTHERS = (
    "CREATE TABLE patron.members (segment_id text, customer_id uuid, PRIMARY KEY (segment_id, customer_id))",
    """CREATE TABLE patron.memberships (segment_id text, customer_id uuid, position bigint, index smallint,
    occurred_at timestamptz, recorded_at timestamptz, entered boolean)""",
    """CREATE TABLE patron.rfm_scores (customer_id uuid PRIMARY KEY, recency smallint, frequency smallint,
    monetary smallint, segment text)""",
)


async def write(world: World, url: str) -> None:
    """Write a world into an empty database."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await create_tables(connection, TABLES)
    with psycopg.connect(url) as connection:
        for statement in _OTHERS:
            connection.execute(statement)
        _write_records(connection, world)
        numbered = [(one, done) for one, every in world.done.items() for done in every]
        rows = [_activity_row(one, done, number) for number, (one, done) in enumerate(numbered, 1)]
        _insert(connection, activities.TABLE, rows)
        with connection.cursor() as cursor:
            members = [(segment, one) for one, segments in world.segments.items() for segment in segments]
            cursor.executemany("INSERT INTO patron.members VALUES (%s, %s)", members)
            turns = [(one, turn) for one, of in world.turns.items() for turn in of]
            cursor.executemany(
                "INSERT INTO patron.memberships VALUES (%s, %s, %s, 0, %s, %s, %s)",
                [
                    (turn.segment, one, number, turn.at, turn.recorded_at, turn.entered)
                    for number, (one, turn) in enumerate(turns)
                ],
            )
            scores = [(one, *of.values()) for one, of in world.scores.items() if of]
            cursor.executemany("INSERT INTO patron.rfm_scores VALUES (%s, %s, %s, %s, %s)", scores)


def _write_records(connection: psycopg.Connection, world: World) -> None:
    for records, row_of, present, versions in (
        (world.people, _person_row, people.TABLE, people.VERSIONS),
        (world.companies, _company_row, companies.TABLE, companies.VERSIONS),
    ):
        every = [
            {**row_of(one, version, number), "recorded_at": version.recorded_at}
            for one, history in records.items()
            for number, version in enumerate(history, 1)
        ]
        _insert(connection, versions, every)
        newest = {row["id"]: row for row in every}
        _insert(connection, present, [{**row, "search_text": ""} for row in newest.values()])

"""Worlds of customers in databases of their own, and what PostgreSQL says of rules about them."""

import asyncio
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from sqlalchemy import null, select

from patron_projections.engine.tables import compiled
from patron_projections.segments.boundaries import next_change
from patron_projections.segments.compiler import compile_rule
from patron_projections.segments.sources import Source
from patron_rules.tree import Rule
from rule_worlds import Maker, World, write


@dataclass(frozen=True, slots=True)
class Inhabited:
    """A world, and the database that holds it."""

    world: World
    url: str
    connection: psycopg.Connection

    def found(self, rule: Rule, source: Source, now: datetime) -> set[UUID]:
        """Ask for which customers a rule holds; fails where the condition is NULL for any."""
        condition = compile_rule(rule, source, now).label("holds")
        text, values = compiled(select(source.people.c.id, condition))
        rows = self.connection.execute(text.encode(), values).fetchall()
        assert all(holds is not None for _, holds in rows)
        return {person for person, holds in rows if holds}

    def changes(self, rule: Rule, source: Source, now: datetime) -> dict[UUID, datetime | None]:
        """Ask when a rule may next change for each customer."""
        due = next_change(rule, source, now)
        text, values = compiled(select(source.people.c.id, null() if due is None else due))
        return dict(self.connection.execute(text.encode(), values).fetchall())


@contextmanager
def inhabited_database(postgres_url: str, seed: int, size: int) -> Generator[Inhabited]:
    """Make a database with a world in it."""
    name = f"world_{secrets.token_hex(8)}"
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        url = make_conninfo(postgres_url, dbname=name)
        world = Maker(seed).world(size)
        asyncio.run(write(world, url))
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("SET TimeZone = 'America/New_York'")  # no answer may depend on it
            yield Inhabited(world, url, connection)
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

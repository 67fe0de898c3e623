"""The election of the one evaluator, and the fence that makes two at once harmless.

The lease only saves work. Safety rests on `evaluator.turn`: every transaction that changes members begins by
moving it from the value that this evaluator knows; zero rows moved means that another one was there first.
"""

from typing import Final

from psycopg import AsyncConnection

from patron_projections.engine.positions import Fenced
from patron_projections.segments.members import THE_EVALUATOR

_TAKE: Final = """
INSERT INTO patron.evaluator_lease AS lease (id, owner, seen_at) VALUES (%(id)s, %(owner)s, clock_timestamp())
ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, seen_at = clock_timestamp(), caught_up_at = coalesce(
    CASE WHEN %(idle)s::float8 IS NULL THEN NULL ELSE clock_timestamp() - make_interval(secs => %(idle)s) END,
    lease.caught_up_at)
WHERE lease.owner = excluded.owner OR lease.seen_at < clock_timestamp() - make_interval(secs => %(dead_after)s)
"""
_GIVE: Final = "DELETE FROM patron.evaluator_lease WHERE id = %s AND owner = %s"
_LOAD: Final = """
SELECT turn, contacts, campaigns, seeded_at IS NOT NULL FROM patron.evaluator WHERE id = %s
"""
_MOVE: Final = """
UPDATE patron.evaluator SET turn = turn + 1, contacts = %(contacts)s, campaigns = %(campaigns)s,
    seeded_at = coalesce(seeded_at, clock_timestamp())
WHERE id = %(id)s AND turn = %(turn)s
"""


class Lease:
    """Who is to be the evaluator: one process at a time, until it stops or falls silent."""

    def __init__(self, owner: str, dead_after_s: float) -> None:
        self._owner = owner
        self._dead_after_s = dead_after_s

    async def take(self, connection: AsyncConnection, idle_s: float | None = None) -> bool:
        """Take the lease or renew it; answers whether it is this process's.

        idle_s: seconds since nothing was left to do; None where that was not so lately.
        """
        values = {"id": THE_EVALUATOR, "owner": self._owner, "dead_after": self._dead_after_s, "idle": idle_s}
        return (await connection.execute(_TAKE, values)).rowcount == 1

    async def give(self, connection: AsyncConnection) -> None:
        """Give the lease back at once instead of letting others wait."""
        await connection.execute(_GIVE, (THE_EVALUATOR, self._owner))


class Turns:
    """How far the evaluation is, as this evaluator knows it."""

    def __init__(self) -> None:
        self.turn = 0
        self.contacts = 0
        self.campaigns = 0
        self.seeded = False

    async def reload(self, connection: AsyncConnection) -> None:
        """Read where the work stands."""
        cursor = await connection.execute(_LOAD, (THE_EVALUATOR,))
        row = await cursor.fetchone()
        if row is None:
            raise Fenced
        self.turn, self.contacts, self.campaigns, self.seeded = row

    async def move(
        self, connection: AsyncConnection, *, contacts: int | None = None, campaigns: int | None = None
    ) -> "Moved":
        """Begin a transaction's work: nobody else evaluates until it ends. Call `settle` once it is committed.

        Raises:
            Fenced: another evaluator was there since `reload`.
        """
        after = Moved(
            self.turn + 1,
            self.contacts if contacts is None else contacts,
            self.campaigns if campaigns is None else campaigns,
        )
        values = {"id": THE_EVALUATOR, "turn": self.turn, "contacts": after.contacts, "campaigns": after.campaigns}
        if (await connection.execute(_MOVE, values)).rowcount != 1:
            raise Fenced
        return after

    def settle(self, moved: "Moved") -> None:
        """Remember a move whose transaction was committed."""
        self.turn, self.contacts, self.campaigns, self.seeded = moved.turn, moved.contacts, moved.campaigns, True


class Moved:
    """Where the work stands once a transaction is committed."""

    __slots__ = ("campaigns", "contacts", "turn")

    def __init__(self, turn: int, contacts: int, campaigns: int) -> None:
        self.turn = turn
        self.contacts = contacts
        self.campaigns = campaigns

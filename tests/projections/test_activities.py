"""The rows of activities: the same whether they lived through an erasure or were folded from what is left."""

import asyncio
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from customer_log import CustomerLog
from patron_events.catalog import contacts as events
from patron_events.envelope import StreamId
from patron_events.memory import MemoryStore
from patron_events.opening import Opened, open_commits
from patron_events.registry import Fact
from patron_events.vault import MemoryVault
from patron_projections.activities import TABLE, Activities
from patron_projections.engine.read_model import NULL

COLUMNS = [column.name for column in TABLE.columns]
AT = datetime(2025, 1, 2, tzinfo=UTC)
texts = st.none() | st.text(st.characters(exclude_characters="\0"), max_size=20)
attributes = st.dictionaries(st.text("abc", min_size=1), st.text(max_size=5) | st.booleans(), max_size=2)


def interaction(subject: str | None, body: str | None, properties: dict[str, str | bool]) -> Fact:
    named = tuple(events.Attribute(name, value) for name, value in properties.items())
    return events.InteractionLogged(interaction_id="i", kind="call", subject=subject, body=body, properties=named)


def order(amount: int, quantities: list[int]) -> Fact:
    lines = tuple(events.OrderLine(1, quantity=str(one), sku=f"sku {one}\t") for one in quantities)
    return events.OrderPlaced(order_id="o", currency="EUR", amount_minor=amount, lines=lines)


facts = st.lists(
    st.builds(interaction, texts, texts, attributes)
    | st.builds(order, st.integers(0, 10**9), st.lists(st.integers(1, 9), max_size=3)),
    min_size=1,
    max_size=6,
)


def folded(commits: list[Opened]) -> list[dict[str, str]]:
    lines = [line for commit in commits for line in Activities().fold(None, commit).added]
    return [dict(zip(COLUMNS, line.rstrip("\n").split("\t"), strict=True)) for line in lines]


def blanked(row: dict[str, str]) -> dict[str, str]:
    """Do to a row what the engine does to those of an erased customer."""
    return row if row["personal"] == NULL else {**row, "personal": NULL, "erased": "true"}


async def _lived_and_refolded(recorded: list[Fact]) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    log = CustomerLog(store := MemoryStore(), MemoryVault())
    one = await log.person()
    for fact in recorded:
        await log.record("activity", one, fact, at=AT)
    stream = StreamId("contacts", "activity", one)

    async def commits() -> list[Opened]:
        opened = await open_commits(await store.read(stream, count=99), log.vault)
        return [item for item in opened if isinstance(item, Opened)]

    lived = folded(await commits())
    await log.erase(one)
    return [blanked(row) for row in lived], folded(await commits())


@settings(max_examples=60, deadline=None)
@given(facts)
def test_erased_rows_are_the_same_whether_they_lived_through_it_or_were_rebuilt(recorded: list[Fact]) -> None:
    lived, refolded = asyncio.run(_lived_and_refolded(recorded))
    assert lived == refolded
    assert len(lived) == len(recorded)
    assert all(row["personal"] == NULL for row in refolded)


def test_an_order_counts_the_units_of_its_lines() -> None:
    lived, _ = asyncio.run(_lived_and_refolded([order(5, [2, 3]), order(7, [])]))
    assert [(row["quantity"], row["amount_minor"], row["fact"]) for row in lived] == [
        ("5", "5", "purchase"),
        ("1", "7", "purchase"),
    ]

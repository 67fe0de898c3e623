"""Cases that all timers must pass; tests run the same list against each adapter.

A case gets a world whose clock it moves by `until`; it raises AssertionError with what it saw.
"""
# ruff: noqa: S101  # cases are assertions

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

import msgspec

from patron_events.envelope import Actor, Cause, CommitHead, Recorded, StreamId
from patron_events.registry import Fact, event_type
from patron_reactions.reaction import Happened
from patron_reactions.timers import Fired, Timers


@event_type("testing.something-happened", version=1)
class SomethingHappened(Fact, frozen=True):
    """A fact for tests of reactions."""

    number: int = 0


def a_happening(number: int = 0, *, cause: Cause | None = None, reaction: str = "a-reaction") -> Happened:
    """Build a fact that reached a reaction."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    head = CommitHead(
        StreamId("testing", "thing", "1"),
        1,
        at,
        f"commit-{number}",
        at,
        Actor("user", "ann"),
        cause or Cause(correlation_id="talk"),
        1,
        1,
    )
    return Happened(reaction, Recorded(SomethingHappened(number), "testing.something-happened", at, 0, head))


class TimerWorld(Protocol):
    """Timers of one adapter, empty at the beginning, and the time they live in."""

    @property
    def timers(self) -> Timers:
        """The timers under test."""
        ...

    def now(self) -> datetime:
        """Tell the time by the clock that timers fire by."""
        ...

    async def fired(self, count: int, until: datetime) -> Sequence[Fired]:
        """Let time pass until `count` timers have fired, but no longer than `until`; each is given once."""
        ...


_SOON: Final = timedelta(seconds=1)
_LATER: Final = timedelta(seconds=2)
_LIMIT: Final = timedelta(seconds=20)
_FAR: Final = timedelta(days=400)


async def _firings(world: TimerWorld, count: int, within: timedelta = _LIMIT) -> list[Fired]:
    fired = await world.fired(count, world.now() + within)
    return sorted(fired, key=lambda one: (one.due_at, one.key))


async def fires_with_everything_it_was_given(world: TimerWorld) -> None:
    """Key, kind, time to the microsecond, data and the conversation it belongs to."""
    at = world.now() + _SOON
    data = {"deal": "d-1", "days": 3, "texts": ["Žofie", None]}
    await world.timers.put("deal-rotting.d-1", "deal-rotting", at, data, because=a_happening())
    (fired,) = await _firings(world, 1)
    assert (fired.key, fired.kind, fired.due_at) == ("deal-rotting.d-1", "deal-rotting", at)
    assert dict(fired.data) == data
    assert fired.fired_at >= at
    assert fired.because.correlation_id == "talk"
    assert fired.because.causation_id == "commit-0:0"


async def the_same_key_replaces(world: TimerWorld) -> None:
    """Also with another kind, an earlier and a later time."""
    begun = world.now()
    await world.timers.put("a", "first", begun + _SOON, {"n": 1}, because=a_happening())
    await world.timers.put("a", "second", begun + _LATER, {"n": 2}, because=a_happening())
    await world.timers.put("b", "first", begun + _FAR, {"n": 3}, because=a_happening())
    await world.timers.put("b", "first", begun + _SOON, {"n": 4}, because=a_happening())
    fired = await _firings(world, 2)
    assert [(one.key, one.kind, one.data["n"]) for one in fired] == [("b", "first", 4), ("a", "second", 2)]


async def a_cancelled_timer_never_fires(world: TimerWorld) -> None:
    """And may be set again; cancelling what is not there is harmless."""
    begun = world.now()
    await world.timers.put("a", "kind", begun + _SOON, because=a_happening())
    await world.timers.cancel("a")
    await world.timers.cancel("a")
    await world.timers.cancel("never")
    await world.timers.put("c", "kind", begun + _SOON, because=a_happening())
    await world.timers.cancel("c")
    await world.timers.put("c", "kind", begun + _SOON, {"again": True}, because=a_happening())
    await world.timers.put("end", "kind", begun + _LATER, because=a_happening())
    assert [(one.key, dict(one.data)) for one in await _firings(world, 2)] == [("c", {"again": True}), ("end", {})]


async def a_time_in_the_past_fires_at_once(world: TimerWorld) -> None:
    """As timers of imported history are."""
    await world.timers.put("old", "kind", world.now() - _FAR, because=a_happening())
    assert [one.key for one in await _firings(world, 1)] == ["old"]


async def a_timer_may_be_set_again_after_it_fired(world: TimerWorld) -> None:
    """Two firings of one key have ids of their own, because their times differ."""
    await world.timers.put("a", "kind", world.now(), because=a_happening())
    (first,) = await _firings(world, 1)
    await world.timers.put("a", "kind", world.now() + _SOON, because=first)
    (second,) = await _firings(world, 1)
    assert first.derived() != second.derived()
    assert first.asked().cause.correlation_id == second.asked().cause.correlation_id == "talk"


async def prefixes_are_other_keys(world: TimerWorld) -> None:
    """Cancelling `a` leaves `a.b` alone, and the other way round."""
    begun = world.now()
    for key in ("a", "a.b", "a.b.c"):
        await world.timers.put(key, "kind", begun + _SOON, because=a_happening())
    await world.timers.cancel("a.b")
    assert [one.key for one in await _firings(world, 2)] == ["a", "a.b.c"]


async def refuses_what_is_no_timer(world: TimerWorld) -> None:
    """Wildcards, spaces, empty parts, times without a zone."""
    good = world.now() + _SOON
    wrong = [
        ("a b", "kind", good),
        ("*", "kind", good),
        ("a.>", "kind", good),
        ("", "kind", good),
        ("a.", "kind", good),
    ]
    wrong += [("a", "Kind", good), ("a", "", good), ("a", "kind", good.replace(tzinfo=None))]
    for key, kind, at in wrong:
        try:
            await world.timers.put(key, kind, at, because=a_happening())
        except ValueError:
            continue
        raise AssertionError((key, kind, at))
    try:
        await world.timers.cancel("*")
    except ValueError:
        return
    raise AssertionError


async def fires_many_at_once(world: TimerWorld) -> None:
    """Each of them once."""
    at = world.now() + _SOON
    for number in range(150):
        await world.timers.put(f"many.{number}", "kind", at, {"n": number}, because=a_happening(number))
    fired = await _firings(world, 150)
    assert sorted(one.data["n"] for one in fired) == list(range(150))


async def data_is_kept_as_it_was(world: TimerWorld) -> None:
    """What the caller changes afterwards is not the timer's."""
    data: dict[str, list[int]] = {"numbers": [1]}
    await world.timers.put("a", "kind", world.now(), data, because=a_happening())
    data["numbers"].append(2)
    (fired,) = await _firings(world, 1)
    assert msgspec.json.encode(fired.data) == b'{"numbers":[1]}'


TimerCase = Callable[[TimerWorld], Awaitable[None]]
TIMER_CASES: Final[Sequence[TimerCase]] = (
    fires_with_everything_it_was_given,
    the_same_key_replaces,
    a_cancelled_timer_never_fires,
    a_time_in_the_past_fires_at_once,
    a_timer_may_be_set_again_after_it_fired,
    prefixes_are_other_keys,
    refuses_what_is_no_timer,
    fires_many_at_once,
    data_is_kept_as_it_was,
)

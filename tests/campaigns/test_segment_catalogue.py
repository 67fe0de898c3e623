"""What the catalogue of live segments decides."""

from patron_campaigns.domain.errors import SegmentCycle, SegmentInUse, SegmentNameTaken, UnknownSegment
from patron_campaigns.domain.segment_catalogue import CATALOGUE, ListSegment, UnlistSegment
from patron_events.catalog import campaigns as events
from patron_events.scenarios import given


def listed(segment: str, *uses: str) -> events.SegmentListed:
    return events.SegmentListed(segment_id=segment, name=f"Name of {segment}", uses=uses)


def listing(segment: str, *uses: str, name: str | None = None) -> ListSegment:
    paths = tuple((f"$.rules[{number}].segment", used) for number, used in enumerate(uses))
    return ListSegment(segment, name or f"Name of {segment}", paths)


def test_a_segment_is_listed_with_what_it_uses() -> None:
    given(CATALOGUE, listed("a"), listed("b")).when(listing("c", "b", "a")).then(listed("c", "a", "b"))
    given(CATALOGUE, listed("a"), listed("c", "a")).when(listing("c", "a")).then()


def test_a_name_belongs_to_one_live_segment() -> None:
    taken = listing("b", name="NAME of A")
    given(CATALOGUE, listed("a")).when(taken).then_rejected(SegmentNameTaken, field="name")
    given(CATALOGUE, listed("a")).when(listing("a", name="NAME of A")).then(
        events.SegmentListed(segment_id="a", name="NAME of A")
    )
    gone = events.SegmentUnlisted(segment_id="a")
    given(CATALOGUE, listed("a"), gone).when(taken).then(events.SegmentListed(segment_id="b", name="NAME of A"))


def test_what_is_used_must_be_live() -> None:
    given(CATALOGUE, listed("a")).when(listing("b", "a", "x")).then_rejected(
        UnknownSegment, field="rule.rules[1].segment"
    )


def test_no_segment_depends_on_itself() -> None:
    history = (listed("a"), listed("b", "a"), listed("c", "b"))
    given(CATALOGUE, *history).when(listing("a", "a")).then_rejected(SegmentCycle, field="rule.rules[0].segment")
    refused = given(CATALOGUE, *history).when(listing("a", "c")).then_rejected(SegmentCycle)
    assert "Name of a -> Name of c -> Name of b -> Name of a" in refused.detail


def test_a_used_segment_stays() -> None:
    refused = given(CATALOGUE, listed("a"), listed("b", "a")).when(UnlistSegment("a")).then_rejected(SegmentInUse)
    assert "Name of b" in refused.detail
    given(CATALOGUE, listed("a"), listed("b", "a")).when(UnlistSegment("b")).then(
        events.SegmentUnlisted(segment_id="b")
    )
    given(CATALOGUE).when(UnlistSegment("b")).then()

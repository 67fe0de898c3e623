"""Rows of the pipeline context: the same live, rebuilt, and folded afresh; nothing personal after an erasure."""

from patron_events.catalog.pipeline import deals
from patron_projections.sales.models import SALES
from read_side import ReadSide
from sales_history import SalesHistory

VIEWS = tuple(str(table.info["view"]) for model in SALES for table in (model.kept, model.added) if table is not None)
PARKED = "SELECT count(*) FROM patron.parked"


async def test_a_rebuild_of_every_model_equals_live_rows_and_a_fresh_fold(
    log: SalesHistory, side: ReadSide, fresh: ReadSide
) -> None:
    async with side.worker(models=SALES):
        await log.settings()
        for _ in range(250):
            await log.anything()
        await log.quote(log.deals[0])
        await side.caught_up(log.last, models=SALES)
        assert await side.rows(PARKED) == [(0,)]
        before = await side.checksums(VIEWS)
        assert all(rows for rows, _ in before.values())
        for model in SALES:
            done = await side.rebuilt(model)
            assert done.proof.serving is not None
            assert done.proof.build.differing(done.proof.second) == []
            assert done.proof.build.differing(done.proof.serving) == []
        assert await side.checksums(VIEWS) == before
        for _ in range(60):
            await log.anything()
        await side.caught_up(log.last, models=SALES)
    async with fresh.worker(models=SALES):
        await fresh.caught_up(log.last, models=SALES)
    assert await side.checksums(VIEWS) == await fresh.checksums(VIEWS)


async def test_an_erasure_empties_the_texts_of_every_version_and_leaves_the_figures(
    log: SalesHistory, side: ReadSide
) -> None:
    secret = "Secret next step"
    async with side.worker(models=SALES):
        deal = await log.deal_of("ann")
        await log.say("deal", deal, deals.DealDescribed(next_step=secret))
        await log.say("deal", deal, deals.DealWon("won", "offer", 5_000, "EUR"))
        await side.caught_up(log.last, models=SALES)
        for view in ("deals", "deal_versions", "sales_timeline"):
            found = f"SELECT count(*) FROM patron.{view} AS t WHERE t::text LIKE %s"  # noqa: S608  (names of our own)
            ((rows,),) = await side.rows(found, f"%{secret}%")
            assert rows > 0, view
        await log.erase(deal, "deal")
        await side.caught_up(log.last, models=SALES)
        for view in VIEWS:
            found = f"SELECT count(*) FROM patron.{view} AS t WHERE t::text LIKE %s"  # noqa: S608  (as above)
            assert await side.rows(found, f"%{secret}%") == [(0,)], view
        columns = "SELECT status, amount_minor, erased FROM patron.deals"
        assert await side.rows(columns) == [("won", 5_000, True)]

"""The pipeline that every installation has without telling it has stages until its own are told."""

from pathlib import Path

from patron_events.catalog.pipeline import deals, settings
from projections_http import client
from read_side import ReadSide, models_of
from sales_history import SalesHistory

_OWN = settings.PipelineDefined(
    definition_version=1,
    name="Ours",
    stages=(
        settings.Stage("engaging", "Talking", probability=50),
        settings.Stage("won", "Won", kind="won", probability=100),
        settings.Stage("lost", "Lost", kind="lost"),
    ),
)


async def test_deals_of_the_built_in_pipeline_are_weighted(log: SalesHistory, side: ReadSide, tmp_path: Path) -> None:
    models = models_of("pipeline")
    opened = deals.DealOpened("Roof", "default", "engaging")
    await log.begin("deal", log.deals, opened, deals.DealValued(100_000, "EUR"))
    async with side.worker(models=models):
        await side.caught_up(log.last, models=models)
        async for queries in client(side.url, tmp_path):
            (row,) = (await queries.answer("/reports/deals", by="stage"))["rows"]
            assert (row["stage"], row["weighted"]) == ("engaging", "300.00")
            await log.say("pipeline", "default", _OWN)
            await side.caught_up(log.last, models=models)
            (row,) = (await queries.answer("/reports/deals", by="stage"))["rows"]
            assert (row["stage"], row["weighted"]) == ("engaging", "500.00")

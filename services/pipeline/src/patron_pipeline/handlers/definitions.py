"""Use cases of pipelines: define, archive, read; and what the use cases of deals ask them."""

from dataclasses import dataclass

from patron_events.decisions import Asked, Committed, Decisions
from patron_events.journal import Loaded
from patron_pipeline.domain.deal_errors import PipelineArchived, PipelineNotFound, PipelineUnknown
from patron_pipeline.domain.pipeline import (
    PIPELINE,
    ArchivePipeline,
    DefinePipeline,
    Definition,
    Pipeline,
    definition_of,
)
from patron_pipeline.domain.pipeline_body import Body, definition
from patron_pipeline.handlers.counting import PlaceCounting


@dataclass(frozen=True, slots=True)
class PipelineHandlers:
    """Use cases of pipelines. Every one of them is safe to repeat with the same command id."""

    decisions: Decisions
    counting: PlaceCounting | None = None

    async def define(self, pipeline_id: str, body: Body, asked: Asked) -> Committed:
        """State the whole definition of a pipeline; the same again records nothing.

        Afterwards the deals in stages with a limit are counted, also by a repetition, so that it completes what a
        process that was killed left undone.

        Raises:
            PipelineInvalid, StageKindFixed, and the refusals of values.
        """
        command = DefinePipeline(pipeline_id, definition(body))
        committed = await self.decisions.run(PIPELINE, pipeline_id, command, asked)
        if self.counting is not None:
            await self.counting.count(pipeline_id, command.definition, asked)
        return committed

    async def archive(self, pipeline_id: str, asked: Asked) -> Committed:
        """Let no new deals enter; raises PipelineNotFound."""
        return await self.decisions.run(PIPELINE, pipeline_id, ArchivePipeline(pipeline_id), asked)

    async def read(self, pipeline_id: str) -> tuple[Loaded[Pipeline], Definition]:
        """Read a pipeline from the log as it is now; raises PipelineNotFound."""
        loaded = await self.decisions.journal.load(PIPELINE, pipeline_id)
        present = definition_of(loaded.state, pipeline_id)
        if present is None:
            raise PipelineNotFound
        return loaded, present

    async def of_deal(self, pipeline_id: str) -> Definition:
        """Tell the definition that the deals of a pipeline obey now; raises PipelineUnknown."""
        return (await self._known(pipeline_id))[1]

    async def to_enter(self, pipeline_id: str) -> Definition:
        """Tell the definition of a pipeline that a deal is to enter; raises PipelineUnknown, PipelineArchived."""
        loaded, present = await self._known(pipeline_id)
        if loaded.state.archived:
            raise PipelineArchived(field="pipeline_id")
        return present

    async def _known(self, pipeline_id: str) -> tuple[Loaded[Pipeline], Definition]:
        try:
            return await self.read(pipeline_id)
        except PipelineNotFound:
            raise PipelineUnknown(field="pipeline_id") from None

"""A pipeline: its stages in order, and the rules that deals in it obey."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from msgspec import structs

from patron_events.catalog import pipeline as catalog
from patron_events.catalog.pipeline.defaults import DEFAULT_ID, DEFAULT_PIPELINE
from patron_events.decider import Decider
from patron_pipeline.domain.deal_errors import PipelineNotFound, StageKindFixed

events = catalog.settings
Definition = events.PipelineDefined


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The state of one pipeline.

    kinds: of every stage it ever had, by id; they never change.
    """

    definition: Definition | None = None
    archived: bool = False
    kinds: Mapping[str, str] = field(default_factory=dict[str, str])
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DefinePipeline:
    """State the whole definition; its `definition_version` is given here. The id decides what is built in."""

    pipeline_id: str
    definition: Definition


@dataclass(frozen=True, slots=True)
class ArchivePipeline:
    """Let no new deals enter; defining it again brings it back."""

    pipeline_id: str


Command = DefinePipeline | ArchivePipeline


def definition_of(pipeline: Pipeline, pipeline_id: str) -> Definition | None:
    """Tell the definition that counts now: the pipeline `default` exists without being defined."""
    if pipeline.definition is None and pipeline_id == DEFAULT_ID:
        return DEFAULT_PIPELINE
    return pipeline.definition


def decide(pipeline: Pipeline, command: Command) -> Sequence[catalog.settings.PipelineEvent]:
    """Answer a command with the facts it creates; none when they already hold."""
    present = definition_of(pipeline, command.pipeline_id)
    match command:
        case DefinePipeline(definition=definition):
            kinds = {**_kinds(present), **pipeline.kinds}
            for number, stage in enumerate(definition.stages):
                if kinds.get(stage.id, stage.kind) != stage.kind:
                    raise StageKindFixed(field=f"stages[{number}].kind")
            version = 0 if present is None else present.definition_version
            if present is not None and not pipeline.archived and _same(present, definition):
                return ()
            return (structs.replace(definition, definition_version=version + 1),)
        case ArchivePipeline():
            if present is None:
                raise PipelineNotFound
            return () if pipeline.archived else (events.PipelineArchived(),)


def _same(present: Definition, wanted: Definition) -> bool:
    return structs.replace(wanted, definition_version=present.definition_version) == present


def _kinds(definition: Definition | None) -> Mapping[str, str]:
    return {} if definition is None else {stage.id: stage.kind for stage in definition.stages}


def evolve(pipeline: Pipeline, event: catalog.settings.PipelineEvent, at: datetime) -> Pipeline:
    """Fold one recorded fact."""
    match event:
        case events.PipelineDefined():
            return Pipeline(event, archived=False, kinds={**pipeline.kinds, **_kinds(event)}, changed_at=at)
        case events.PipelineArchived():
            return replace(pipeline, archived=True, changed_at=at)


PIPELINE = Decider(category="pipeline.pipeline", initial=Pipeline(), decide=decide, evolve=evolve)

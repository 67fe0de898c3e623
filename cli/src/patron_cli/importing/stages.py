"""Know the stages of the pipelines that deals are imported into."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from patron_cli.importing.presets import normal
from patron_cli.importing.values import BadValue

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage. kind: open, won or lost."""

    id: str
    kind: str


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline. stages: by id and by name, both reduced to letters and digits; first: its first open stage."""

    id: str
    stages: Mapping[str, Stage]
    first: Stage

    def stage(self, written: str, column: str = "stage") -> Stage:
        """Find a stage by its id or its name, whatever case, blanks and marks.

        Raises:
            BadValue: the pipeline has no such stage.
        """
        found = self.stages.get(normal(written))
        if found is None:
            raise BadValue("unknown-stage", f"the pipeline {self.id!r} has no stage {written[:40]!r}", column)
        return found


@dataclass(frozen=True, slots=True)
class Pipelines:
    """All pipelines of an installation, by id and by name as above."""

    known: Mapping[str, Pipeline]

    def of(self, written: str | None) -> Pipeline:
        """Find a pipeline by its id or name; without one, the built-in one.

        Raises:
            BadValue: there is no such pipeline.
        """
        wanted = written or DEFAULT
        found = self.known.get(normal(wanted))
        if found is None:
            raise BadValue("unknown-pipeline", f"there is no pipeline {wanted[:40]!r}", "pipeline")
        return found


def pipelines_of(documents: Iterable[Mapping[str, Any]]) -> Pipelines:
    """Read the definitions as `GET /pipeline/v1/pipelines` gives them."""
    known: dict[str, Pipeline] = {}
    for document in documents:
        stages = [(one, Stage(str(one["id"]), str(one.get("kind", "open")))) for one in document["stages"]]
        names = {normal(str(one.get("name", stage.id))): stage for one, stage in stages}
        ids = {normal(stage.id): stage for _, stage in stages}
        first = next(stage for _, stage in stages if stage.kind == "open")
        made = Pipeline(str(document["id"]), names | ids, first)
        known.setdefault(normal(str(document.get("name", made.id))), made)
        known[normal(made.id)] = made
    return Pipelines(known)

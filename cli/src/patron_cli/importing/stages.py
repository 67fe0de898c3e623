"""Know the stages of the pipelines that deals are imported into."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
    """The pipelines of an installation. find: gives the definition of one by its id, None where there is none."""

    find: Callable[[str], Mapping[str, Any] | None]
    known: dict[str, Pipeline | None] = field(default_factory=dict[str, "Pipeline | None"])

    def of(self, written: str | None) -> Pipeline:
        """Find a pipeline by its id, also written as `Big Deals` for `big-deals`; without one, the built-in one.

        Raises:
            BadValue: there is no such pipeline.
        """
        wanted = written or DEFAULT
        if wanted not in self.known:
            slug = "-".join(re.findall(r"[a-z0-9]+", wanted.casefold()))
            document = self.find(slug) if slug else None
            self.known[wanted] = None if document is None else pipeline_of(document)
        found = self.known[wanted]
        if found is None:
            raise BadValue("unknown-pipeline", f"there is no pipeline {wanted[:40]!r}", "pipeline")
        return found


def pipeline_of(document: Mapping[str, Any]) -> Pipeline:
    """Read a definition as `GET /pipeline/v1/pipelines/{id}` gives it."""
    stages = [(one, Stage(str(one["id"]), str(one.get("kind", "open")))) for one in document["stages"]]
    names = {normal(str(one.get("name", stage.id))): stage for one, stage in stages}
    ids = {normal(stage.id): stage for _, stage in stages}
    first = next(stage for _, stage in stages if stage.kind == "open")
    return Pipeline(str(document["id"]), names | ids, first)

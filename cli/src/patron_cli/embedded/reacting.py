"""The process of reactions of embedded mode: those of every service, over one connection to the log."""

from patron_pipeline.reacting import process_of, reacting
from patron_pipeline.settings import PipelineSettings
from patron_reactions.process import run_reactions


def react() -> int:
    """React until SIGTERM; gives the exit code."""
    settings = PipelineSettings()  # pyright: ignore[reportCallIssue]  # the environment fills it
    run_reactions(process_of(settings, "reactions"), [reacting(settings)])
    return 0

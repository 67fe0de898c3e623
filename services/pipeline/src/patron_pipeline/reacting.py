"""Composition root of the reactions of the pipeline context: `python -m patron_pipeline.app reactions`.

Apart from `app`, so that the process of reactions does not load the web.
"""

from patron_pipeline.reactions.everything import SERVICE, all_reactions
from patron_pipeline.settings import PipelineSettings
from patron_reactions.process import Reacting, ReactionProcess, run_reactions


def reacting(settings: PipelineSettings) -> Reacting:
    """Say what this service reacts to."""
    channels = settings.channels()
    return Reacting(SERVICE, lambda means: all_reactions(means, channels))


def process_of(settings: PipelineSettings, name: str = "pipeline-reactions") -> ReactionProcess:
    """Say how a process of reactions reaches the log."""
    port = settings.reactions_metrics_port
    return ReactionProcess(name, settings.log(), settings.index_key_bytes, settings.runtime(), port)


def serve_reactions(settings: PipelineSettings) -> None:
    """React in this process until SIGTERM."""
    run_reactions(process_of(settings), [reacting(settings)])

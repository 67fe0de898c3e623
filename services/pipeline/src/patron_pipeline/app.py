"""Composition root of the pipeline service: the only module that builds adapters.

Run `python -m patron_pipeline.app` for the API and `python -m patron_pipeline.app reactions` for what the context does
by itself, any number of each, behind settings in `PATRON_…` variables.
"""

import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI

from patron_events.jetstream.log import open_log
from patron_events.vault import BlindIndex
from patron_pipeline.channels.form_limits import JetStreamLimits, assert_visits_stream
from patron_pipeline.composition import Around, parts
from patron_pipeline.reacting import serve_reactions
from patron_pipeline.reactions.everything import SERVICE
from patron_pipeline.routes import build
from patron_pipeline.settings import PipelineSettings
from patron_reactions.oversight import Oversight
from patron_reactions.streams import assert_side_streams
from patron_runtime.service import Service, server_options
from patron_runtime.state import runtime_of_app


def create_app(settings: PipelineSettings) -> Service:
    """Build the service over JetStream."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with open_log(settings.log()) as log:
            index = BlindIndex(settings.index_key_bytes)
            await assert_side_streams(log.connection, settings.log().sizing)
            await assert_visits_stream(log.connection, settings.log().sizing)
            limits = JetStreamLimits(log.connection)
            around = Around(settings.default_region, settings.public_url, log.reader, limits)
            app.state.pipeline = parts(log.store, log.vault, index, around)
            app.state.oversight = Oversight(log.connection, SERVICE)
            runtime_of_app(app).health.add("log", log.answers)
            yield

    return build(settings.verifier(), settings.runtime(), lifespan)


def main(arguments: list[str]) -> int:
    """Run one process of the service, until SIGTERM: the API, or the reactions."""
    settings = PipelineSettings()  # pyright: ignore[reportCallIssue]  # the environment fills it
    match arguments:
        case [] | ["api"]:
            host, port = os.environ.get("PATRON_HOST", "127.0.0.1"), int(os.environ.get("PATRON_PORT", "8080"))
            uvicorn.run(create_app(settings), host=host, port=port, **server_options())
        case ["reactions"]:
            serve_reactions(settings)
        case _:
            sys.stderr.write("usage: python -m patron_pipeline.app [api|reactions]\n")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

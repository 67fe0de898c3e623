"""Composition root of the pipeline service: the only module that builds adapters.

Run it with `python -m patron_pipeline.app` behind settings in `PATRON_…` variables.
"""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI

from patron_events.jetstream.log import open_log
from patron_events.vault import BlindIndex
from patron_pipeline.composition import parts
from patron_pipeline.routes import build
from patron_pipeline.settings import PipelineSettings
from patron_runtime.service import Service, server_options
from patron_runtime.state import runtime_of_app


def create_app(settings: PipelineSettings) -> Service:
    """Build the service over JetStream."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with open_log(settings.log()) as log:
            index = BlindIndex(settings.index_key_bytes)
            app.state.pipeline = parts(log.store, log.vault, index, settings.default_region)
            runtime_of_app(app).health.add("log", log.answers)
            yield

    return build(settings.verifier(), settings.runtime(), lifespan)


def main() -> None:
    """Serve HTTP until SIGTERM."""
    app = create_app(PipelineSettings())  # pyright: ignore[reportCallIssue]  # the environment fills it
    host, port = os.environ.get("PATRON_HOST", "127.0.0.1"), int(os.environ.get("PATRON_PORT", "8080"))
    uvicorn.run(app, host=host, port=port, **server_options())


if __name__ == "__main__":
    main()

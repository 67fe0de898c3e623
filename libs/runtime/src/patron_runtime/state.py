"""Keep what the routes of a service share, on `app.state`, under one typed name."""

from dataclasses import dataclass
from typing import cast

from fastapi import FastAPI, Request

from patron_runtime.health import Health
from patron_runtime.identity import Verifier
from patron_runtime.metrics import Metrics
from patron_runtime.settings import RuntimeSettings


@dataclass(frozen=True, slots=True)
class Runtime:
    """The parts of the runtime that a request can reach."""

    settings: RuntimeSettings
    verifier: Verifier
    metrics: Metrics
    health: Health


def attach(app: FastAPI, runtime: Runtime) -> None:
    """Hang the runtime on the application."""
    app.state.patron_runtime = runtime


def runtime_of(request: Request) -> Runtime:
    """Give the runtime of the application that serves this request."""
    return runtime_of_app(request.app)


def runtime_of_app(app: FastAPI) -> Runtime:
    """Give the runtime of an application, for parts that are built at its start."""
    return cast("Runtime", app.state.patron_runtime)

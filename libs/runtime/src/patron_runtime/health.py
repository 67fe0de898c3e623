"""Answer the probes of a cluster: alive, and ready to take requests."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse

from patron_runtime.problems import answer, problem

Check = Callable[[], Awaitable[None]]

_log = structlog.stdlib.get_logger("patron.health")


class Health:
    """Know the named checks of a service, and whether it is being stopped.

    A check returns when its part can work and raises when it cannot; it runs at most `timeout_s` seconds.
    """

    def __init__(self, checks: Mapping[str, Check] | None = None, timeout_s: float = 2.0) -> None:
        self._checks = dict(checks or {})
        self._timeout_s = timeout_s
        self.draining = False

    def add(self, name: str, check: Check) -> None:
        """Add a check, for parts that exist only after the start."""
        self._checks[name] = check

    async def failures(self) -> dict[str, str]:
        """Run all checks at once; give the reason (`failed` or `timeout`) by name of each that did not pass."""
        names = list(self._checks)
        reasons = await asyncio.gather(*(self._run(name) for name in names))
        return {name: reason for name, reason in zip(names, reasons, strict=True) if reason is not None}

    async def _run(self, name: str) -> str | None:
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._checks[name]()
        except TimeoutError:
            reason = "timeout"
        except Exception as error:  # noqa: BLE001  (any failure of a check means: not ready)
            reason = "failed"
            _log.warning("health.check.failed", check=name, error_type=type(error).__name__)
        else:
            return None
        return reason


def add_health(app: FastAPI, health: Health) -> None:
    """Add `/health/live` and `/health/ready`; neither needs a token nor is part of the documented API."""

    async def live() -> dict[str, str]:
        return {"status": "live"}

    async def ready() -> Response:
        if health.draining:
            return answer(problem(503, "draining", "The service is being stopped."))
        failures = await health.failures()
        if failures:
            names = ", ".join(f"{name} ({reason})" for name, reason in sorted(failures.items()))
            return answer(problem(503, "not-ready", f"Not ready: {names}."))
        return JSONResponse({"status": "ready"})

    app.add_api_route("/health/live", live, include_in_schema=False)
    app.add_api_route("/health/ready", ready, include_in_schema=False, response_model=None)

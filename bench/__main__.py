"""Measure, print a JSON object a line, and keep them under `bench-results/`.

python -m bench [log] [projections] [segments] [timers] [whole] [pipeline]: all where none is named. Takes some
ten minutes; on a shared machine only the ratios to the limits of the same run mean something.
"""

import asyncio
import importlib
import json
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from bench import pipeline, timers, whole
from patron_servers import NatsServer, PostgresServer, throwaway_folder

PARTS = ("log", "projections", "segments", "timers", "whole", "pipeline")
INSTALLED = {"whole": whole.figures, "pipeline": pipeline.figures}


async def _figures(part: str, folder: Path) -> AsyncGenerator[dict[str, Any]]:
    if part in INSTALLED:
        async for line in INSTALLED[part](folder / part):
            yield line
        return
    module = importlib.import_module(f"bench.{part}")
    with NatsServer(folder / part / "nats") as nats:
        if part == "log":
            async for line in module.figures(nats.url):
                yield line
            return
        if part == "timers":
            async for line in timers.figures(nats.url, folder / part / "without"):
                yield line
            return
        with PostgresServer(folder / part / "postgres") as postgres:
            async for line in module.figures(nats.url, postgres.url):
                yield line


async def main(parts: list[str]) -> int:
    """Measure the named parts; answers how many figures miss their target."""
    unknown = set(parts) - set(PARTS)
    if unknown:
        print(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    results = Path("bench-results")
    results.mkdir(exist_ok=True)
    missed = 0
    with throwaway_folder("patron-bench-") as folder, (results / f"{whole.now()}.jsonl").open("w") as kept:
        for part in parts or PARTS:
            async for line in _figures(part, folder):
                text = json.dumps(line)
                print(text, flush=True)
                print(text, file=kept, flush=True)
                missed += line.get("reached") is False
    print(f"{missed} below target" if missed else "every target reached", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))

"""Fetch an export into a file: under another name until it is whole, so that half a file is never taken for one."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from patron_cli.console import REFUSED, USAGE, Stopped
from patron_cli.installation import Installation, Role, reaching

if TYPE_CHECKING:
    import httpx

FORMATS: Final = {".csv": "csv", ".jsonl": "jsonl", ".parquet": "parquet"}
_CHUNK: Final = 1 << 16


def format_of(path: Path) -> str:
    """Choose the format by the suffix of a file.

    Raises:
        Stopped: it is none of ours.
    """
    form = FORMATS.get(path.suffix.lower())
    if form is None:
        raise Stopped(f"{path.name}: the suffix must be one of {', '.join(sorted(FORMATS))}", USAGE)
    return form


def download(
    installation: Installation, route: str, asked: Sequence[tuple[str, str]], path: Path, role: Role = Role.READER
) -> int:
    """Fetch all rows of a route; answers the number of bytes.

    Raises:
        Stopped: it was refused, or broke off; nothing is left behind.
    """
    import httpx  # noqa: PLC0415 - loaded when it is needed

    part = path.with_name(f".{path.name}.part")
    parameters = (*asked, ("format", format_of(path)))
    patience = httpx.Timeout(None, connect=5.0)  # the first row may take as long as the whole question
    size = 0
    try:
        with (
            installation.client(role) as client,
            reaching(installation),
            client.stream("GET", route, params=parameters, timeout=patience) as answer,
        ):
            if not answer.is_success:
                answer.read()
                raise Stopped(refusal_of(answer), REFUSED)
            with part.open("wb") as file:
                for chunk in answer.iter_bytes(_CHUNK):
                    size += file.write(chunk)
        part.replace(path)
    except OSError as error:
        raise Stopped(f"{path} cannot be written: {error.strerror or error}", USAGE) from None
    finally:
        part.unlink(missing_ok=True)
    return size


def refusal_of(answer: "httpx.Response") -> str:
    """Say on one line why a request was refused."""
    try:
        problem = answer.json()
        field = f" ({problem['field']})" if problem.get("field") else ""
        return f"{problem['code']}: {problem['detail']}{field}"
    except (ValueError, KeyError, TypeError):
        return f"HTTP {answer.status_code}"

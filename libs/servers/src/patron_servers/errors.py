"""Say why an embedded server cannot run."""

from pathlib import Path


class ProgramNotFound(Exception):
    """The program is in none of the places where it is looked for."""


class DataFolderInUse(Exception):
    """Another server, or what is left of one, still works on this data folder."""


class ServerDidNotStart(Exception):
    """The server ended or stayed silent; `str()` ends with the last lines of its log."""

    def __init__(self, what: str, log: Path) -> None:
        self.log = log
        super().__init__(f"{what}; the last lines of {log}:\n{_tail(log)}")


def _tail(log: Path, lines: int = 20) -> str:
    if not log.exists():
        return "(no log)"
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])

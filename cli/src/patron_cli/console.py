"""How every command speaks: exit codes, one-line errors, JSON or text."""

import json
import os
import sys
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from typer.core import TyperGroup
from typing_extensions import override

DONE: Final = 0
REFUSED: Final = 1
USAGE: Final = 2
NOT_RUNNING: Final = 3
CANNOT_START: Final = 4
INTERRUPTED: Final = 130
EXIT_CODES: Final = (
    "Exit codes: 0 done; 1 refused, or what was checked is not in order; 2 wrong usage; "
    "3 no installation runs there, or it does not answer; 4 it cannot start; 130 interrupted."
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


class Stopped(Exception):
    """A command cannot go on. The text is one line for the user; `code` becomes the exit code."""

    def __init__(self, message: str, code: int) -> None:
        self.code = code
        super().__init__(message)


class Guarded(TyperGroup):
    """A group of commands that never ends in a traceback, unless PATRON_DEBUG is set."""

    @override
    def invoke(self, ctx: Any) -> Any:
        """Run the command; say on one line what went wrong."""
        try:
            return super().invoke(ctx)
        except Stopped as stopped:
            _complain(str(stopped), stopped.code)
        except (typer.Exit, typer.Abort, SystemExit):
            raise
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)
        except BrokenPipeError:
            # The reader of our output has seen enough; nothing more may be written, not even at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(REFUSED)
        except Exception as error:
            # Complaints of the library about usage show themselves.
            if os.environ.get("PATRON_DEBUG") or type(error).__module__.split(".")[0] in {"click", "typer"}:
                raise
            said = (str(error).splitlines() or [""])[0]
            _complain(f"unexpected {type(error).__name__}: {said} (PATRON_DEBUG=1 shows where)", REFUSED)


def _complain(message: str, code: int) -> None:
    if "--json" in sys.argv:
        print_json({"error": message, "exit_code": code})
    sys.stderr.write(f"patron: {message}\n")
    sys.exit(code)


def print_json(document: object) -> None:
    """Print one JSON document."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")


def screen() -> Console:
    """Give the place for tables and sentences: standard output, colours only on a terminal."""
    return Console(highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """Print a line for people, without markup."""
    screen().print(text, markup=False)

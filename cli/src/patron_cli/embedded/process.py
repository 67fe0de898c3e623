"""One service process: `python -m patron_cli.embedded.process web 6`, or `projections`, or `reactions`."""

import sys
from types import ModuleType
from typing import cast

from patron_cli.embedded.parent import end_with_parent


def main(arguments: list[str]) -> int:
    """Run until SIGTERM, or until the supervisor is gone."""
    end_with_parent()
    # structlog loads rich, 13 MB, for tracebacks on a terminal; a service writes to a file.
    sys.modules["rich"] = cast("ModuleType", None)
    match arguments:
        case ["web", descriptor]:
            from patron_cli.embedded.web import serve  # noqa: PLC0415 - after rich is out of the way

            return serve(int(descriptor))
        case ["projections"]:
            from patron_projections.app import main as work  # noqa: PLC0415 - as above

            return work(["worker"])
        case ["reactions"]:
            from patron_cli.embedded.reacting import react  # noqa: PLC0415 - as above

            return react()
        case _:
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

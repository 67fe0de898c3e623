"""Why an installation cannot start, on one line."""

from collections.abc import Generator
from contextlib import contextmanager

from patron_cli.console import CANNOT_START, Stopped
from patron_cli.embedded.folder import AlreadyRunning
from patron_cli.embedded.listening import HostUnusable, PortTaken
from patron_cli.embedded.supervisor import NotReady
from patron_servers import DataFolderInUse, ProgramNotFound, ServerDidNotStart


@contextmanager
def explained() -> Generator[None]:
    """Turn every known reason into Stopped."""
    try:
        yield
    except AlreadyRunning as error:
        raise Stopped(f"another `patron up` works on {error}", CANNOT_START) from None
    except ServerDidNotStart as error:
        said = str(error).splitlines()[0].partition(";")[0]
        raise Stopped(f"{said}; see {error.log}", CANNOT_START) from None
    except (PortTaken, HostUnusable, NotReady, DataFolderInUse, ProgramNotFound) as error:
        raise Stopped(str(error), CANNOT_START) from None
    except OSError as error:
        raise Stopped(f"cannot start: {error}", CANNOT_START) from None

"""The web process of embedded mode: every service on one port, whose socket the supervisor hands down.

Started by the supervisor as `python -m patron_cli.embedded.web <descriptor>`.
"""

import socket
import sys

import uvicorn

from patron_cli.embedded.joined import Joined
from patron_cli.embedded.parent import end_with_parent
from patron_contacts.app import create_app as create_contacts
from patron_contacts.settings import ContactsSettings
from patron_projections.app import create_app as create_projections
from patron_projections.settings import ProjectionsSettings
from patron_runtime.logs import configure_logs
from patron_runtime.service import server_options


def main() -> None:
    """Serve until SIGTERM, or until the supervisor is gone."""
    end_with_parent()
    settings = ContactsSettings()  # pyright: ignore[reportCallIssue]  # the environment fills it
    services = {
        "contacts": create_contacts(settings),
        "projections": create_projections(ProjectionsSettings()),  # pyright: ignore[reportCallIssue]  # as above
    }
    configure_logs("web", settings.runtime())
    config = uvicorn.Config(Joined(services), loop="uvloop", http="httptools", lifespan="on", **server_options())
    server = uvicorn.Server(config)
    server.run(sockets=[socket.socket(fileno=int(sys.argv[1]))])
    if not server.started:
        sys.exit(1)


if __name__ == "__main__":
    main()

"""The web process of embedded mode: every service on one port, whose socket the supervisor hands down."""

import socket

import uvicorn

from patron_campaigns.app import create_app as create_campaigns
from patron_campaigns.settings import CampaignsSettings
from patron_cli.embedded.joined import Joined
from patron_contacts.app import create_app as create_contacts
from patron_contacts.settings import ContactsSettings
from patron_pipeline.app import create_app as create_pipeline
from patron_pipeline.settings import PipelineSettings
from patron_projections.app import create_app as create_projections
from patron_projections.settings import ProjectionsSettings
from patron_runtime.logs import configure_logs
from patron_runtime.service import server_options


def serve(descriptor: int) -> int:
    """Serve until SIGTERM; give the exit code, 1 when a service could not start."""
    settings = ContactsSettings()  # pyright: ignore[reportCallIssue]  # the environment fills it
    services = {
        "contacts": create_contacts(settings),
        "campaigns": create_campaigns(CampaignsSettings()),  # pyright: ignore[reportCallIssue]  # as above
        "pipeline": create_pipeline(PipelineSettings()),  # pyright: ignore[reportCallIssue]  # as above
        "projections": create_projections(ProjectionsSettings()),  # pyright: ignore[reportCallIssue]  # as above
    }
    configure_logs("web", settings.runtime())
    config = uvicorn.Config(Joined(services), loop="uvloop", http="httptools", lifespan="on", **server_options())
    server = uvicorn.Server(config)
    server.run(sockets=[socket.socket(fileno=descriptor)])
    return 0 if server.started else 1

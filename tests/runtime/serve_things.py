"""Serve the small service by uvicorn in a process of its own: `serve_things.py <directory of keys> <port>`."""

import sys
from pathlib import Path

import uvicorn

from patron_runtime.identity import EmbeddedIssuer, TrustedIssuer, Verifier
from patron_runtime.service import About, create_service, server_options
from patron_runtime.settings import LogFormat, RuntimeSettings
from runtime.things import people


def main(keys: Path, port: int) -> None:
    issuer = EmbeddedIssuer(keys)
    verifier = Verifier([TrustedIssuer(issuer.name, public_key_file=issuer.public_key_file)])
    settings = RuntimeSettings(log_format=LogFormat.JSON, drain_delay_s=60)
    app = create_service(About("things", "Things", "1.0", "/things/v1"), verifier, settings)
    app.include_router(people(), prefix="/things/v1")
    uvicorn.run(app, host="127.0.0.1", port=port, **server_options())


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))

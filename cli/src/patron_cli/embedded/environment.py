"""The settings of every service in embedded mode, as the variables that the services read."""

import json
import os
from collections.abc import Mapping
from typing import Final

from patron_cli.embedded.folder import DataFolder
from patron_runtime.issuer import EmbeddedIssuer

# Settings of the installation: a value left over in the caller's shell must not point a service elsewhere.
_OURS: Final = (
    "PATRON_NATS_URL",
    "PATRON_NATS_MONITOR_URL",
    "PATRON_POSTGRES_URL",
    "PATRON_MASTER_KEYS",
    "PATRON_INDEX_KEY",
    "PATRON_REPLICAS",
    "PATRON_STREAM_MAX_BYTES",
    "PATRON_ISSUER",
    "PATRON_ISSUER_PUBLIC_KEY_FILE",
    "PATRON_ISSUER_JWKS_FILE",
    "PATRON_ISSUER_JWKS_URL",
    "PROMETHEUS_MULTIPROC_DIR",
)


def service_environment(
    folder: DataFolder, *, nats_url: str, nats_monitor_url: str, postgres_url: str
) -> Mapping[str, str]:
    """Give the whole environment of a service process; makes keys on first use.

    Everything else (`PATRON_LOG_LEVEL`, `PATRON_DEFAULT_REGION`, `OTEL_...`) is passed on from the caller.
    """
    issuer = EmbeddedIssuer(folder.keys)
    inherited = {name: value for name, value in os.environ.items() if name not in _OURS}
    return {
        **inherited,
        "PATRON_NATS_URL": nats_url,
        "PATRON_NATS_MONITOR_URL": nats_monitor_url,
        "PATRON_POSTGRES_URL": postgres_url,
        "PATRON_MASTER_KEYS": json.dumps(dict(folder.master_keys())),
        "PATRON_REPLICAS": "1",
        "PATRON_STREAM_MAX_BYTES": str(folder.stream_max_bytes()),
        "PATRON_ISSUER": issuer.name,
        "PATRON_ISSUER_PUBLIC_KEY_FILE": str(issuer.public_key_file),
        "PROMETHEUS_MULTIPROC_DIR": str(folder.metrics),
    }

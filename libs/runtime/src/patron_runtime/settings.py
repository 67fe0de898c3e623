"""Hold the settings that every service has; a service's own settings.py reads them from the environment."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MEBIBYTE: Final = 1024 * 1024


class LogFormat(StrEnum):
    """How a log line is written; AUTO is console on a terminal and JSON elsewhere."""

    AUTO = "auto"
    JSON = "json"
    CONSOLE = "console"


@dataclass(frozen=True, slots=True)
class RuntimeSettings:
    """Settings of the runtime; usable as a nested field of a pydantic-settings class.

    trusted_proxies: how many proxies in front of the service append to X-Forwarded-For.
    body_limit, bulk_body_limit: bytes.
    drain_delay_s: how long `/health/ready` says no before the server stops taking connections; longer than
        the period of the readiness probe of the cluster, 0 where nobody probes.
    check_timeout_s: time limit of one readiness check.
    """

    log_level: str = "INFO"
    log_format: LogFormat = LogFormat.AUTO
    access_log: bool = True
    trusted_proxies: int = 0
    body_limit: int = MEBIBYTE
    bulk_body_limit: int = 64 * MEBIBYTE
    drain_delay_s: float = 0.0
    check_timeout_s: float = 2.0

"""Settings that every service reads from the environment, all with the prefix `PATRON_`."""

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from patron_runtime.identity import TrustedIssuer, Verifier
from patron_runtime.settings import LogFormat, RuntimeSettings

_KEY_BYTES: Final = 32
_MEBIBYTE: Final = 1 << 20
Words = Annotated[tuple[str, ...], NoDecode]


class ServiceEnvironment(BaseSettings):
    """What every service needs to know; a service's own settings extend it.

    nats_url, nats_monitor_url: one or several, separated by commas. master_keys: JSON of base64 (32 bytes) by id,
    the current one last. index_key: base64, for the keyed hashes of unique keys; by default the first master key,
    and never to be changed. issuer: `iss` of trusted tokens, with one of the three places of its public keys.
    """

    model_config = SettingsConfigDict(env_prefix="PATRON_", frozen=True, extra="ignore")

    nats_url: Words = ("nats://127.0.0.1:4222",)
    nats_monitor_url: Words = ()
    master_keys: Mapping[str, str]
    index_key: str | None = None
    replicas: Annotated[int, Field(ge=1, le=5)] = 1
    stream_max_bytes: Annotated[int, Field(ge=1 << 20)] = 16 << 30

    issuer: str = "patron-embedded"
    issuer_public_key_file: Path | None = None
    issuer_jwks_file: Path | None = None
    issuer_jwks_url: str | None = None
    roles_claim: str = "roles"
    teams_claim: str = "teams"
    audience: str = "patron"

    log_level: str = "INFO"
    log_format: LogFormat = LogFormat.AUTO
    access_log: bool = True
    trusted_proxies: Annotated[int, Field(ge=0, le=16)] = 0
    body_limit: Annotated[int, Field(ge=1024)] = _MEBIBYTE
    bulk_body_limit: Annotated[int, Field(ge=1024)] = 64 * _MEBIBYTE
    drain_delay_s: Annotated[float, Field(ge=0, le=600)] = 0.0

    @field_validator("nats_url", "nats_monitor_url", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("master_keys")
    @classmethod
    def _check_keys(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        if not value:
            raise ValueError("at least one master key is needed")
        for key in value.values():
            _key(key)
        return value

    @property
    def master_key_bytes(self) -> Mapping[str, bytes]:
        """Give the master keys, the current one last."""
        return {name: _key(key) for name, key in self.master_keys.items()}

    @property
    def index_key_bytes(self) -> bytes:
        """Give the key of the blind index."""
        return _key(self.index_key) if self.index_key is not None else next(iter(self.master_key_bytes.values()))

    def runtime(self) -> RuntimeSettings:
        """Give the settings of the HTTP runtime."""
        return RuntimeSettings(
            log_level=self.log_level,
            log_format=self.log_format,
            access_log=self.access_log,
            trusted_proxies=self.trusted_proxies,
            body_limit=self.body_limit,
            bulk_body_limit=self.bulk_body_limit,
            drain_delay_s=self.drain_delay_s,
        )

    def verifier(self) -> Verifier:
        """Build the verifier of tokens; raises ValueError unless one place of public keys is given."""
        trusted = TrustedIssuer(
            self.issuer,
            public_key_file=self.issuer_public_key_file,
            jwks_file=self.issuer_jwks_file,
            jwks_url=self.issuer_jwks_url,
            roles_claim=self.roles_claim,
            teams_claim=self.teams_claim,
        )
        return Verifier([trusted], self.audience)


def _key(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("a key is not base64") from None
    if len(key) != _KEY_BYTES:
        raise ValueError(f"a key has {len(key)} bytes instead of {_KEY_BYTES}")
    return key

"""Find the public key that verifies a token: a PEM file, a JWKS file, or the JWKS of an OIDC issuer."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from patron_events.rejections import Unavailable

# Symmetric algorithms are left out: a public key must never be taken for a shared secret.
ALGORITHMS: Final = ("EdDSA", "ES256", "RS256")
_FETCH_TIMEOUT_S: Final = 5
_FRESH_S: Final = 600
_COOLDOWN_S: Final = 30

PublicKey = jwt.PyJWK | Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey


class IssuerUnreachable(Unavailable):
    """The keys of the token's issuer cannot be fetched now."""

    code = "issuer-unreachable"


class UnknownKeyError(Exception):
    """The issuer has no key with this id."""


class KeySource(Protocol):
    """Give the key, and the algorithm that it is for."""

    async def find(self, key_id: str | None) -> tuple[PublicKey, str]:
        """Find a key by the `kid` of a token.

        Raises:
            UnknownKeyError: there is none with this id.
            IssuerUnreachable: the issuer did not answer.
        """
        ...


class PemKey:
    """One key from a PEM file (SubjectPublicKeyInfo); tokens need no `kid`."""

    def __init__(self, path: Path) -> None:
        key = load_pem_public_key(path.read_bytes())
        match key:
            case Ed25519PublicKey():
                self._found: tuple[PublicKey, str] = key, "EdDSA"
            case EllipticCurvePublicKey():
                self._found = key, "ES256"
            case RSAPublicKey():
                self._found = key, "RS256"
            case _:
                message = f"{path} holds a kind of key that is not one of {', '.join(ALGORITHMS)}"
                raise ValueError(message)

    async def find(self, key_id: str | None) -> tuple[PublicKey, str]:
        """Give the one key, whatever the id."""
        del key_id
        return self._found


class JwksFile:
    """Keys from a file with a JSON Web Key Set, read again when the file has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen_at = 0
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._read()

    async def find(self, key_id: str | None) -> tuple[PublicKey, str]:
        """Find a key of the set; a set of one key needs no id."""
        if self._path.stat().st_mtime_ns != self._seen_at:
            self._read()
        return _choose(self._keys, key_id)

    def _read(self) -> None:
        self._seen_at = self._path.stat().st_mtime_ns
        self._keys = _by_id(jwt.PyJWKSet.from_json(self._path.read_text()))


class JwksUrl:
    """Keys of an OIDC issuer, fetched again after ten minutes or, at most every 30 s, for an unknown id."""

    def __init__(self, url: str, headers: Mapping[str, str] | None = None) -> None:
        self._client = jwt.PyJWKClient(
            url,
            headers=dict(headers or {}),
            timeout=_FETCH_TIMEOUT_S,
            lifespan=_FRESH_S,
            cooldown_duration=_COOLDOWN_S,
        )

    async def find(self, key_id: str | None) -> tuple[PublicKey, str]:
        """Find a key by id; the fetch runs in a thread."""
        try:
            if key_id is None:
                return _choose(_by_id(await asyncio.to_thread(self._client.get_jwk_set)), None)
            key = await asyncio.to_thread(self._client.get_signing_key, key_id)
        except jwt.PyJWKClientConnectionError:
            raise IssuerUnreachable from None
        except jwt.PyJWTError:
            raise UnknownKeyError from None
        return key, key.algorithm_name


def _by_id(keys: jwt.PyJWKSet) -> dict[str | None, jwt.PyJWK]:
    return {key.key_id: key for key in keys.keys if key.public_key_use in (None, "sig")}


def _choose(keys: Mapping[str | None, jwt.PyJWK], key_id: str | None) -> tuple[PublicKey, str]:
    if key_id is None and len(keys) == 1:
        key: Any = next(iter(keys.values()))
    else:
        key = keys.get(key_id)
    if key is None:
        raise UnknownKeyError
    return key, key.algorithm_name

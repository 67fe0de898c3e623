"""Issue tokens where no OIDC provider is at hand: the embedded mode, tests and the command line."""

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

AUDIENCE: Final = "patron"
EMBEDDED_ISSUER: Final = "patron-embedded"


class EmbeddedIssuer:
    """Hold an Ed25519 key pair in a directory; both files are made on first use.

    The private key is readable by its owner only (0600). Several processes may start at the same time:
    the first to link its key wins and the others load that one.
    """

    def __init__(self, directory: Path) -> None:
        self.name = EMBEDDED_ISSUER
        self.public_key_file = directory / "issuer.public.pem"
        self._private_key_file = directory / "issuer.private.pem"
        directory.mkdir(parents=True, exist_ok=True)
        self._key = self._load_or_create()

    def issue(self, subject: str, roles: Iterable[str], teams: Iterable[str] = (), ttl_s: int = 3600) -> str:
        """Sign a token for the audience `patron` that ends in `ttl_s` seconds; 0 or less has ended already."""
        now = int(time.time())
        claims = {
            "iss": self.name,
            "aud": AUDIENCE,
            "sub": subject,
            "iat": min(now, now + ttl_s),
            "exp": now + ttl_s,
            "jti": uuid4().hex,
            "roles": sorted(roles),
            "teams": sorted(teams),
        }
        return jwt.encode(claims, self._key, algorithm="EdDSA")

    def _load_or_create(self) -> Ed25519PrivateKey:
        if not self._private_key_file.exists():
            fresh = Ed25519PrivateKey.generate()
            pem = fresh.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            _write_once(self._private_key_file, pem, mode=0o600)
        key = load_pem_private_key(self._private_key_file.read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            message = f"{self._private_key_file} is not an Ed25519 key"
            raise TypeError(message)
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        if not self.public_key_file.exists() or self.public_key_file.read_bytes() != public:
            self.public_key_file.unlink(missing_ok=True)
            _write_once(self.public_key_file, public, mode=0o644)
        return key


def _write_once(path: Path, content: bytes, *, mode: int) -> None:
    """Create a file whole or not at all; keep the one that is already there."""
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink()

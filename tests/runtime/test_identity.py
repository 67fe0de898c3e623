import http.server
import json
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from patron_runtime.identity import EmbeddedIssuer, Principal, Role, TrustedIssuer, Verifier
from patron_runtime.keys import IssuerUnreachable
from patron_runtime.problems import Refused
from patron_runtime.service import Service
from runtime.things import PEOPLE, client_of

ISSUER = "https://id.example"
CLAIMS = {"iss": ISSUER, "aud": "patron", "sub": "ann"}


def claims(**more: object) -> dict[str, object]:
    return {**CLAIMS, "exp": int(time.time()) + 60, **more}


async def code_of(verifier: Verifier, token: str) -> str:
    with pytest.raises(Refused) as refused:
        await verifier.verify(token)
    assert refused.value.status_code == 401
    return refused.value.code


async def test_the_embedded_issuer_keeps_its_keys_private_and_its_tokens_verify(
    issuer: EmbeddedIssuer, verifier: Verifier
) -> None:
    folder = issuer.public_key_file.parent
    again = EmbeddedIssuer(folder)
    assert stat.S_IMODE((folder / "issuer.private.pem").stat().st_mode) == 0o600
    assert sorted(path.name for path in folder.iterdir()) == ["issuer.private.pem", "issuer.public.pem"]
    for source in (issuer, again):
        assert await verifier.verify(source.issue("ann", ["agent"], ["north"])) == Principal(
            "ann", frozenset({"agent"}), frozenset({"north"}), issuer.name
        )


async def test_tokens_that_ended_are_forged_or_meant_for_others_are_refused(
    issuer: EmbeddedIssuer, verifier: Verifier
) -> None:
    good = issuer.issue("ann", ["agent"])
    head, body, signature = good.split(".")
    stranger = Ed25519PrivateKey.generate()
    mine = {**claims(), "iss": issuer.name}
    assert await code_of(verifier, issuer.issue("ann", ["agent"], ttl_s=-60)) == "token-expired"
    assert await code_of(verifier, f"{head}.{body}.{signature[:-6]}AAAAAA") == "token-invalid"
    assert await code_of(verifier, jwt.encode(mine, stranger, "EdDSA")) == "token-invalid"
    assert await code_of(verifier, jwt.encode(mine, "", "none")) == "token-invalid"
    assert await code_of(verifier, jwt.encode(mine, "s" * 32, "HS256")) == "token-invalid"
    assert await code_of(verifier, jwt.encode(claims(), stranger, "EdDSA")) == "token-invalid"
    assert await code_of(verifier, "nonsense") == "token-invalid"
    assert await code_of(verifier, "a" * 10_000) == "token-invalid"


@pytest.mark.parametrize("missing", ["exp", "sub", "aud"])
async def test_a_token_needs_its_claims(issuer: EmbeddedIssuer, verifier: Verifier, missing: str) -> None:
    some = {name: value for name, value in claims(iss=issuer.name).items() if name != missing}
    key = load_pem_private_key((issuer.public_key_file.parent / "issuer.private.pem").read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    token = jwt.encode(some, key, "EdDSA")
    assert await code_of(verifier, token) == "token-invalid"


async def test_a_withdrawn_key_is_believed_for_five_minutes_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "jwks.json"
    key = ec.generate_private_key(ec.SECP256R1())
    path.write_text(json.dumps({"keys": [{**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "a"}]}))
    verifier = Verifier([TrustedIssuer(ISSUER, jwks_file=path)])
    token = jwt.encode(claims(exp=int(time.time()) + 3600), key, "ES256", {"kid": "a"})
    await verifier.verify(token)
    path.write_text(json.dumps({"keys": []}))
    assert (await verifier.verify(token)).subject == "ann"
    later = time.time() + 301
    monkeypatch.setattr("patron_runtime.identity.time.time", lambda: later)
    assert await code_of(verifier, token) == "token-invalid"


async def test_a_key_set_serves_several_algorithms_and_is_read_again_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    first, second = rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())
    one = {**RSAAlgorithm.to_jwk(first.public_key(), as_dict=True), "kid": "one", "alg": "RS256", "use": "sig"}
    two = {**ECAlgorithm.to_jwk(second.public_key(), as_dict=True), "kid": "two", "alg": "ES256"}
    path.write_text(json.dumps({"keys": [one]}))
    verifier = Verifier([TrustedIssuer(ISSUER, jwks_file=path, roles_claim="realm.roles", teams_claim="groups")])
    by_first = jwt.encode(claims(realm={"roles": ["reader", 7]}, groups="a b"), first, "RS256", {"kid": "one"})
    by_second = jwt.encode(claims(), second, "ES256", {"kid": "two"})
    assert await verifier.verify(by_first) == Principal("ann", frozenset({"reader"}), frozenset({"a", "b"}), ISSUER)
    assert await code_of(verifier, by_second) == "token-invalid"
    path.write_text(json.dumps({"keys": [one, two]}))
    assert (await verifier.verify(by_second)).subject == "ann"


@pytest.fixture
def published() -> Iterator[tuple[dict[str, object], str]]:
    """A key set that can be changed, and the address that serves it."""
    document: dict[str, object] = {"keys": []}

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield document, f"http://127.0.0.1:{server.server_port}/jwks"
    server.shutdown()
    thread.join()
    server.server_close()


async def test_keys_of_an_oidc_issuer_are_fetched_and_rotate(
    published: tuple[dict[str, object], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    document, url = published
    first, second = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    one, two = (
        {**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid}
        for key, kid in ((first, "one"), (second, "two"))
    )
    monkeypatch.setattr("patron_runtime.keys._COOLDOWN_S", 0)
    document["keys"] = [one]
    verifier = Verifier([TrustedIssuer(ISSUER, jwks_url=url)])
    by_second = jwt.encode(claims(), second, "ES256", {"kid": "two"})
    assert (await verifier.verify(jwt.encode(claims(), first, "ES256", {"kid": "one"}))).subject == "ann"
    assert await code_of(verifier, by_second) == "token-invalid"
    document["keys"] = [two]
    assert (await verifier.verify(by_second)).subject == "ann"


async def test_an_issuer_that_does_not_answer_makes_the_service_unavailable() -> None:
    verifier = Verifier([TrustedIssuer(ISSUER, jwks_url="http://127.0.0.1:9/jwks")])
    token = jwt.encode(claims(), ec.generate_private_key(ec.SECP256R1()), "ES256", {"kid": "one"})
    with pytest.raises(IssuerUnreachable):
        await verifier.verify(token)


def test_an_issuer_has_exactly_one_place_of_keys(tmp_path: Path) -> None:
    for issuer in (TrustedIssuer(ISSUER), TrustedIssuer(ISSUER, tmp_path, tmp_path)):
        with pytest.raises(ValueError, match="give one"):
            issuer.keys()


@pytest.mark.parametrize(
    ("role", "may"),
    [("reader", [Role.READER]), ("agent", [Role.READER, Role.AGENT]), ("admin", list(Role)), ("other", [])],
)
def test_each_role_includes_the_ones_before_it(role: str, may: list[Role]) -> None:
    principal = Principal("ann", frozenset({role}), frozenset(), ISSUER)
    assert [each for each in Role if principal.may(each)] == may


async def test_routes_ask_for_a_token_before_they_read_the_body(app: Service) -> None:
    async with client_of(app, {}) as client:
        answer = await client.post(PEOPLE, content=b"{", headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (401, "token-missing")
        assert answer.headers["www-authenticate"] == 'Bearer realm="patron"'
        answer = await client.get(f"{PEOPLE}/1", headers={"Authorization": "Bearer x.y.z"})
        assert (answer.status_code, answer.json()["code"]) == (401, "token-invalid")
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_a_role_that_is_too_small_is_forbidden(agent: httpx.AsyncClient) -> None:
    assert (await agent.get(f"{PEOPLE}/1")).json() == {"id": 1, "teams": ["north"]}
    answer = await agent.delete(f"{PEOPLE}/1")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")

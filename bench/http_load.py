"""A small HTTP/1.1 load over keep-alive connections, run as a process of its own so that it does not slow the server.

    python -m bench.http_load HOST:PORT TOKEN CLIENTS REQUESTS_PER_CLIENT [people|live]

Prints JSON: requests/s and latencies in milliseconds.
"""

import asyncio
import json
import sys
import time
import uuid

from bench.figure import percentile


def _request(host: str, token: str, run: str, number: int) -> bytes:
    body = json.dumps(
        {
            "given_name": "Ada",
            "family_name": f"Lovelace {number}",
            "emails": [{"value": f"ada.{run}.{number}@example.org", "type": "work"}],
        }
    ).encode()
    head = (
        f"POST /contacts/v1/people HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _answer(reader: asyncio.StreamReader) -> int:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0])
    await reader.readexactly(length)
    return int(head[9:12])


async def _client(address: str, requests: list[bytes], expected: int) -> list[float]:
    host, port = address.rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port))
    latencies: list[float] = []
    for request in requests:
        started = time.perf_counter()
        writer.write(request)
        status = await _answer(reader)
        latencies.append((time.perf_counter() - started) * 1000)
        if status != expected:
            raise SystemExit(f"expected {expected}, got {status}")
    writer.close()
    return latencies


async def _run(address: str, token: str, clients: int, each: int, what: str) -> dict[str, float]:
    run = uuid.uuid4().hex[:8]
    live = f"GET /health/live HTTP/1.1\r\nHost: {address}\r\n\r\n".encode()
    requests = [
        [live if what == "live" else _request(address, token, run, client * each + number) for number in range(each)]
        for client in range(clients)
    ]
    expected = 200 if what == "live" else 201
    started = time.perf_counter()
    latencies = [
        one for many in await asyncio.gather(*(_client(address, r, expected) for r in requests)) for one in many
    ]
    seconds = time.perf_counter() - started
    return {
        "per_s": len(latencies) / seconds,
        "p50_ms": percentile(latencies, 50),
        "p95_ms": percentile(latencies, 95),
        "p99_ms": percentile(latencies, 99),
    }


if __name__ == "__main__":
    where, token, clients, each, *rest = sys.argv[1:]
    print(json.dumps(asyncio.run(_run(where, token, int(clients), int(each), rest[0] if rest else "people"))))

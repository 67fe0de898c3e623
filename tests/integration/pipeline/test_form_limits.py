"""Submissions of web forms, counted by a real server for all replicas."""

import pytest

from patron_events.jetstream.connection import connect
from patron_events.jetstream.streams import Sizing
from patron_pipeline.channels.form_limits import JetStreamLimits, assert_visits_stream

pytestmark = pytest.mark.integration


async def test_replicas_count_together_and_addresses_and_forms_apart(nats_url: str) -> None:
    first, second = await connect(nats_url), await connect(nats_url)
    try:
        await assert_visits_stream(first, Sizing(1, 1 << 30))
        replicas = [JetStreamLimits(first), JetStreamLimits(second)]
        assert [await replicas[number % 2].count("contact-us", "a") for number in range(4)] == [1, 2, 3, 4]
        assert await replicas[0].count("contact-us", "b") == 1
        assert await replicas[0].count("other", "a") == 1
    finally:
        await first.close()
        await second.close()

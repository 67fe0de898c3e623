"""What the server's errors mean; the texts are those of nats-server 2.15.1.

10163 comes only from a new leader that does not know yet what its predecessor proposed; no test can make it come.
"""

import pytest

from patron_events.jetstream.errors import Verdict, decode_ack, judge

NOT_NOW = (
    b'{"error":{"code":400,"err_code":10164,"description":"wrong last sequence"},"stream":"E","seq":0}',
    b'{"error":{"code":409,"err_code":10158,"description":"duplicate message id is in process"},"stream":"E","seq":0}',
    b'{"error":{"code":503,"err_code":10163,"description":"expected last sequence per subject temporarily un..."}}',
    b'{"error":{"code":503,"err_code":10077,"description":"maximum bytes exceeded"},"stream":"E","seq":0}',
    b'{"error":{"code":503,"err_code":10023,"description":"insufficient resources"},"stream":"E","seq":0}',
    b'{"error":{"code":429,"err_code":10167,"description":"too many requests"},"stream":"E","seq":0}',
    b'{"error":{"code":429,"err_code":10210,"description":"atomic publish too many inflight"},"stream":"E","seq":0}',
    b'{"error":{"code":400,"err_code":10176,"description":"atomic publish batch is incomplete"},"stream":"E","seq":0}',
    b'{"error":{"code":503,"err_code":10008,"description":"JetStream system temporarily unavailable"}}',
    b'{"error":{"code":503,"err_code":19999,"description":"a code of a later release"}}',
    b'{"error":{"code":429,"err_code":19998,"description":"a code of a later release"}}',
)


@pytest.mark.parametrize("answer", NOT_NOW)
def test_not_now(answer: bytes) -> None:
    error = decode_ack(answer).error
    assert error is not None
    assert judge(error) is Verdict.NOT_NOW


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (b'{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 5"}}', Verdict.STALE),
        (b'{"error":{"code":400,"err_code":10201,"description":"... duplicate message id"}}', Verdict.DUPLICATE),
        (b'{"error":{"code":400,"err_code":10054,"description":"message size exceeds ..."}}', Verdict.TOO_LARGE),
        (b'{"error":{"code":400,"err_code":10174,"description":"atomic publish is disabled"}}', Verdict.FAULT),
        (b'{"error":{"code":400,"err_code":19997,"description":"a code of a later release"}}', Verdict.FAULT),
    ],
)
def test_other_answers(answer: bytes, verdict: Verdict) -> None:
    error = decode_ack(answer).error
    assert error is not None
    assert judge(error) is verdict

"""Settings of mail and webhooks: halves stop the start."""

import base64

import pytest
from pydantic import ValidationError

from patron_pipeline.settings import PipelineSettings

KEYS = {"k1": base64.b64encode(b"k" * 32).decode()}
SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()


def settings(**given: object) -> PipelineSettings:
    return PipelineSettings.model_validate({"master_keys": KEYS, **given})


def test_nothing_is_sent_unless_it_is_set_up() -> None:
    channels = settings().channels()
    assert (channels.mailer, channels.webhook) == (None, None)


def test_both_channels_are_built_and_no_secret_is_shown() -> None:
    given = settings(
        smtp_host="mail.example",
        mail_from="patron@crm.example",
        smtp_password="hunter2",
        reminder_webhook_url="https://hooks.example/in",
        reminder_webhook_secret=SECRET,
    )
    channels = given.channels()
    assert channels.mailer is not None
    assert channels.webhook is not None
    assert channels.message_id("1") == "<1@crm.example>"
    assert "hunter2" not in repr(given)
    assert repr(b"s" * 32) not in repr(channels)
    assert "hunter2" not in repr(channels)


@pytest.mark.parametrize(
    "half",
    [
        {"smtp_host": "mail.example"},
        {"mail_from": "patron@crm.example"},
        {"reminder_webhook_url": "https://hooks.example/in"},
        {"reminder_webhook_secret": SECRET},
        {"reminder_webhook_url": "https://hooks.example/in", "reminder_webhook_secret": "hello"},
        {"public_url": "crm.example"},
        {"smtp_host": "mail.example", "mail_from": "nobody"},
    ],
)
def test_halves_and_nonsense_stop_the_start(half: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        settings(**half)

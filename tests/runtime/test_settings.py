import pytest
from pydantic_settings import BaseSettings, SettingsConfigDict

from patron_runtime.settings import LogFormat, RuntimeSettings


class ServiceSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="THINGS_", env_nested_delimiter="__", frozen=True)

    runtime: RuntimeSettings = RuntimeSettings()


def test_a_service_reads_the_shared_settings_as_a_nested_field(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THINGS_RUNTIME__TRUSTED_PROXIES", "2")
    monkeypatch.setenv("THINGS_RUNTIME__LOG_FORMAT", "json")
    monkeypatch.setenv("THINGS_RUNTIME__DRAIN_DELAY_S", "7.5")
    assert ServiceSettings().runtime == RuntimeSettings(trusted_proxies=2, log_format=LogFormat.JSON, drain_delay_s=7.5)

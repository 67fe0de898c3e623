"""Countries, languages, time zones."""

import pycountry
import pytest

from patron_values.errors import CountryUnknown, LanguageUnknown, TimeZoneUnknown
from patron_values.places import country, language, time_zone


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("de", "DE"),
        ("DEU", "DE"),
        (" Germany ", "DE"),
        ("USA", "US"),
        ("U.S.A.", "US"),
        ("United States", "US"),
        ("the united states of america", "US"),
        ("UK", "GB"),
        ("Great Britain", "GB"),
        ("England", "GB"),
        ("Russia", "RU"),
        ("South Korea", "KR"),
        ("Korea, Republic of", "KR"),
        ("North Korea", "KP"),
        ("Viet Nam", "VN"),
        ("Vietnam", "VN"),
        ("Turkey", "TR"),
        ("Türkiye", "TR"),
        ("Czech Republic", "CZ"),
        ("Czechia", "CZ"),
        ("Ivory Coast", "CI"),
        ("Côte d'Ivoire", "CI"),
        ("Cote d\u2019Ivoire", "CI"),
        ("The Netherlands", "NL"),
        ("Bosnia & Herzegovina", "BA"),
        ("St. Lucia", "LC"),
        ("Hong Kong", "HK"),
        ("Taiwan", "TW"),
        ("Iran", "IR"),
        ("Bolivia", "BO"),
        ("Tanzania", "TZ"),
        ("Laos", "LA"),
        ("Moldova", "MD"),
        ("Syria", "SY"),
        ("Brunei", "BN"),
        ("Venezuela", "VE"),
        ("Macau", "MO"),
        ("Swaziland", "SZ"),
        ("UAE", "AE"),
        ("Kosovo", "XK"),
    ],
)
def test_a_country_is_known_by_its_codes_and_english_names(typed: str, code: str) -> None:
    assert country(typed, "country") == code


def test_every_country_of_the_standard_is_known_by_all_its_names() -> None:
    for each in pycountry.countries:
        for name in (each.alpha_2, each.alpha_2.lower(), each.alpha_3, each.name, each.name.upper()):
            assert country(name, "country") == each.alpha_2


@pytest.mark.parametrize("typed", ["", " ", "Atlantis", "ZZ", "D", "Deutschland", "x" * 10_000, "\ud800", None, 49])
def test_what_is_no_country_is_refused(typed: object) -> None:
    with pytest.raises(CountryUnknown) as refused:
        country(typed, "addresses[0].country")
    assert refused.value.field == "addresses[0].country"


@pytest.mark.parametrize(
    ("typed", "tag"),
    [
        ("de", "de"),
        ("DE_de", "de-DE"),
        ("eng", "en"),
        ("pt-br", "pt-BR"),
        ("zh-hans-cn", "zh-Hans-CN"),
        ("es-419", "es-419"),
        ("de-CH-1996", "de-CH-1996"),
        ("iw", "he"),
    ],
)
def test_a_language_is_a_tag_in_its_normal_form(typed: str, tag: str) -> None:
    assert language(typed, "language") == tag
    assert language(tag, "language") == tag


@pytest.mark.parametrize(
    "typed", ["", "German", "english", "zz-ZZ", "de-", "d", "x", "de-DE-DE", "-" * 5000, "日本語", None, 1]
)
def test_what_is_no_language_tag_is_refused(typed: object) -> None:
    with pytest.raises(LanguageUnknown) as refused:
        language(typed, "language")
    assert refused.value.field == "language"


@pytest.mark.parametrize(
    "name", ["Europe/Berlin", "America/Argentina/Buenos_Aires", "UTC", "Etc/GMT+5", "Asia/Calcutta"]
)
def test_a_time_zone_is_a_name_of_the_iana_database(name: str) -> None:
    assert time_zone(name, "time_zone") == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "europe/berlin",
        "Europe/Berlin ",
        "+01:00",
        "Mars/Base",
        "Factory",
        "localtime",
        "../etc/passwd",
        "/UTC",
        None,
        1,
    ],
)
def test_other_time_zones_are_refused(name: object) -> None:
    with pytest.raises(TimeZoneUnknown) as refused:
        time_zone(name, "time_zone")
    assert refused.value.field == "time_zone"

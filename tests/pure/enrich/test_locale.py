"""Languages and time zones: kept when real, refused when not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.tracking.enrich.locale import MAX_LANGUAGE_LENGTH, language, time_zone


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("de-DE", "de-DE"),
        ("de_de", "de-DE"),
        ("EN", "en"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("pt-BR,pt;q=0.9,en;q=0.8", "pt-BR"),
        ("es-419", "es-419"),
        (" fr ", "fr"),
    ],
)
def test_a_language_is_kept_in_its_usual_form(said: str, kept: str) -> None:
    assert language(said) == kept


@pytest.mark.parametrize(
    "said", ["", "*", "x", "<script>", "de-DE\x00", "a" * 36, None, 5, "d\u0435"]
)
def test_what_is_no_language_is_unknown(said: object) -> None:
    assert language(said) is None


def test_a_time_zone_must_exist() -> None:
    assert time_zone("Europe/Lisbon") == "Europe/Lisbon"
    assert time_zone("Europe/Atlantis") is None
    assert time_zone("../../etc/passwd") is None
    assert time_zone(3600) is None


@given(st.text(st.characters(exclude_categories=())))
def test_no_text_makes_them_raise_or_grow(said: str) -> None:
    assert len(language(said) or "") <= MAX_LANGUAGE_LENGTH
    time_zone(said)


@given(st.text(st.characters(exclude_categories=())))
def test_a_cleaned_language_stays_as_it_is(said: str) -> None:
    cleaned = language(said)
    assert cleaned is None or language(cleaned) == cleaned

"""Where somebody originally came from."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from regulars.tracking.enrich.campaign import MAX_LENGTH, Touch, first_touch

SHOP = "https://shop.example/beans"


def test_the_campaign_is_read_from_the_address() -> None:
    touch = first_touch(f"{SHOP}?utm_source=news&utm_medium=email&utm_campaign=Spring%20sale&x=1")
    assert (touch.utm_source, touch.utm_medium, touch.utm_campaign) == (
        "news",
        "email",
        "Spring sale",
    )


def test_the_context_wins_over_the_address_name_by_name() -> None:
    touch = first_touch(
        f"{SHOP}?utm_source=address&utm_term=beans", None, {"source": "context", "name": "Spring"}
    )
    assert (touch.utm_source, touch.utm_campaign, touch.utm_term) == ("context", "Spring", "beans")


def test_letter_case_of_a_parameter_does_not_matter_and_the_first_counts() -> None:
    assert first_touch(f"{SHOP}?UTM_Source=a&utm_source=b").utm_source == "a"


def test_another_site_is_a_referrer() -> None:
    assert first_touch(SHOP, "https://search.example/?q=beans").referrer == (
        "https://search.example/?q=beans"
    )


def test_the_site_itself_is_no_referrer() -> None:
    assert first_touch(SHOP, "https://www.shop.example/tea").referrer is None


def test_what_is_no_address_is_no_referrer() -> None:
    assert first_touch(SHOP, "about:blank").referrer is None
    assert first_touch(SHOP, "https://[broken").referrer is None


def test_the_landing_page_is_the_address() -> None:
    assert first_touch(SHOP) == Touch(landing_page=SHOP)


def test_control_characters_become_spaces_and_long_values_are_cut() -> None:
    touch = first_touch(None, None, {"source": "a\x00\r\nb", "medium": "m" * 9999, "term": " \t "})
    assert (touch.utm_source, touch.utm_term) == ("a b", None)
    assert touch.utm_medium == "m" * MAX_LENGTH


_anything: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.integers(),
    st.text(st.characters(exclude_categories=())),
    st.builds("https://{}/?utm_source={}".format, st.text(), st.text()),
)


@given(_anything, _anything, st.one_of(_anything, st.dictionaries(_anything, _anything)))
def test_nothing_makes_it_raise_or_exceed_its_limits(
    url: object, referrer: object, campaign: object
) -> None:
    touch = first_touch(url, referrer, campaign)
    for value in (touch.utm_source, touch.utm_campaign, touch.referrer, touch.landing_page):
        assert value is None or (value and "\x00" not in value and value == value.strip())
        assert value is None or value.encode()  # no lone surrogate is left

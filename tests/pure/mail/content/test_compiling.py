"""A content becomes a mail: HTML that any mailbox shows, its plain text, a clean subject."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.mail.content.compiling import compile_content
from regulars.mail.content.content import Content
from regulars.mail.content.errors import ContentError
from regulars.mail.content.look import Look, contrast, luminance
from tests.pure.mail.content.making import LOOK, PAT, built, filled, own, text

EVERYTHING: list[dict[str, Any]] = [
    {"type": "heading", "text": "Hi {{ person.first_name | default: 'there' }}"},
    text('<p>One &amp; <b>two</b> <a href="https://t.example/?a=1&amp;b=2">three</a>.</p>'),
    {"type": "image", "src": "/media/a.png", "alt": "A “cup” of e\u0301", "href": "https://t.ex"},
    {"type": "button", "label": "See {{ person.first_name }}", "href": "{{ person.page }}"},
    {"type": "columns", "columns": [{"title": "Guji", "html": "<p>Red</p>"}, {"title": "Huila"}]},
    {"type": "rows", "rows": [{"label": "Box", "value": "€ 24"}], "total": True},
    {"type": "scale", "href": "https://t.example/s?n=", "low": "Never", "high": "Surely"},
    {"type": "divider"},
    {"type": "spacer", "height": 30},
    {"type": "footer", "html": "<p>You bought a box.</p>"},
]  # fmt: skip


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def _tags(html: str) -> list[tuple[str, dict[str, str | None]]]:
    page = _Page()
    page.feed(html)
    return page.tags


def _links(html: str) -> list[str | None]:
    return [attributes.get("href") for tag, attributes in _tags(html) if tag == "a"]


def test_every_kind_of_block_is_in_the_mail() -> None:
    mail = filled(built(*EVERYTHING), marketing=True)
    for said in ("Hi Pat", "<b>two</b>", "See Pat", "Guji", "€ 24", "Surely", "You bought a box"):
        assert said in mail.html
    assert "https://t.example/?a=1&b=2" in _links(mail.html)
    assert "https://t.example/s?n=10" in _links(mail.html)
    pictures = [attributes for tag, attributes in _tags(mail.html) if tag == "img"]
    assert pictures[0]["src"] == "https://r.example/media/a.png"
    assert pictures[0]["alt"] == "A “cup” of e\u0301"
    assert "fonts.googleapis.com" not in mail.html


def test_the_plain_text_says_the_same() -> None:
    mail = filled(built(*EVERYTHING, text("<p>{{ person.first_name }} <i>is</i> here</p>")))
    for said in (
        "HI Pat", "three (https://t.example/?a=1&b=2)", "See Pat", "- Guji: Red", "Box: € 24",
        "10: https://t.example/s?n=10", "Pat is here", "Unsubscribe: https://r.example/u/1",
    ):  # fmt: skip
        assert said in mail.text
    assert "<" not in mail.text


def test_marketing_gets_its_footer_once() -> None:
    for content in (built(text("<p>Hi</p>")), built(text("<p>Hi</p>"), {"type": "footer"})):
        mail = filled(content, marketing=True)
        assert _links(mail.html).count("https://r.example/u/1") == 1
        assert mail.text.count("Unsubscribe: https://r.example/u/1") == 1
        assert mail.html.count("4050-099 Porto") == 1
    assert "Unsubscribe" not in filled(built(text("<p>Hi</p>"))).html


@pytest.mark.parametrize(
    ("source", "unsubscribes", "addresses"),
    [
        ("<p>Hi</p>", 1, 1),
        ("<html><body><p>Hi</p></body></html>", 1, 1),
        ('<p><a href="{{ unsubscribe_url }}">No more</a></p>', 1, 1),
        ('<a href="{{ unsubscribe_url }}">No more</a>, {{ company.address }}', 1, 1),
    ],
)
def test_own_html_gets_what_its_footer_lacks(
    source: str, unsubscribes: int, addresses: int
) -> None:
    mail = filled(own(source), marketing=True)
    assert _links(mail.html).count("https://r.example/u/1") == unsubscribes
    assert mail.html.count("Rua do Cais 14") == addresses
    assert "https://r.example/u/1" in mail.text


def test_a_mail_without_a_way_out_shows_none() -> None:
    mail = filled(built(text("<p>Hi</p>"), {"type": "footer"}), unsubscribe_url="")
    assert "Unsubscribe" not in mail.html + mail.text


def test_own_html_keeps_its_tables_and_gets_its_styles_inline() -> None:
    loop = "{% for one in person.rows %}<tr><td>{{ one }}</td></tr>{% endfor %}"
    style = "<style>td { color: red }</style>"
    person = {"rows": ["a", "b"]}
    mail = filled(own(f"{style}<table>{loop}</table>"), person=person)
    assert "<tr><td>a</td></tr><tr><td>b</td></tr>" in mail.html
    inlined = filled(own(f"{style}<table><tr><td>{{{{ person.name }}}}</td></tr></table>"))
    assert re.search(r'<td style="color:\s?red;?">Pat Doe</td>', inlined.html)


def test_own_mjml_is_made_html() -> None:
    source = (
        "<mjml><mj-body><mj-section><mj-column><mj-text>Hi {{ person.first_name }}</mj-text>"
        '<mj-button href="{{ person.attributes.url }}">Go</mj-button>'
        "</mj-column></mj-section></mj-body></mjml>"
    )
    mail = filled(own(source), person={"first_name": "<Pat>", "attributes": {"url": "https://a.b"}})
    assert "Hi &lt;Pat&gt;" in mail.html
    assert "https://a.b" in _links(mail.html)


@pytest.mark.parametrize(
    "source",
    [
        "<p {{ person.name }}>", "<a title={{ person.name }}>x</a>", "<{{ person.name }}>",
        "</{{ person.name }}>", "<script>x = '{{ person.name }}'</script>",
        "<style>p { color: {{ person.name }} }</style>", "<p title='a'{{ person.name }}>",
        "<p>ok</p>\n<p a=b {{ person.name }}", "<img src=x {% if a %}{{ person.name }}{% endif %}>",
    ],
)  # fmt: skip
def test_an_output_that_could_become_markup_is_refused(source: str) -> None:
    with pytest.raises(ContentError, match=r"Line \d"):
        filled(own(source))


@given(
    st.text(max_size=60)
    | st.sampled_from(
        [
            "</td><script>alert(1)</script>", '" onmouseover="x', "{{ person.secret }}",
            "{% raw %}", "javascript:alert(1)", "data:text/html,x",
            "-->", "\ue0000\ue001", "zqx1xqz",
        ]
    )
)  # fmt: skip
def test_what_people_say_of_themselves_never_becomes_markup(said: str) -> None:
    blocks = built(
        {"type": "heading", "text": "{{ person.name }}"},
        text('<p>{{ person.name }} <a href="{{ person.name }}">x</a></p>'),
        {"type": "button", "label": "{{ person.name }}", "href": "{{ person.name }}"},
        {"type": "image", "src": "{{ person.name }}", "alt": "{{ person.name }}"},
        subject="{{ person.name }}",
    )
    html = own("<p title='{{ person.name }}'>{{ person.name }}<a href=\"{{ person.name }}\">x</a>")
    for content in (blocks, html):
        calm = filled(content, person={"name": "Pat"})
        mail = filled(content, person={"name": said})
        assert [tag for tag, _ in _tags(mail.html)] == [tag for tag, _ in _tags(calm.html)]
        for link in _links(mail.html):
            assert not link or re.match(r"https?://|mailto:|tel:|#", link, re.IGNORECASE)
        assert not re.search(r"[\r\n]", mail.subject)


def test_a_name_with_liquids_signs_is_a_name() -> None:
    look = Look("Tide {{ person.name }} {% if %}", "Street {{ 1 }}")
    mail = compile_content(built(text("<p>Hi</p>")), look, marketing=True).render({"person": PAT})
    assert "Pat" not in mail.html + mail.text


def test_a_mistake_says_in_which_block_it_is() -> None:
    content = built(text("<p>fine</p>"), text("<p>{{ person.name | nope }}</p>"))
    with pytest.raises(ContentError) as wrong:
        compile_content(content, LOOK, marketing=False)
    assert wrong.value.field == "blocks.1.html"
    assert "nope" in wrong.value.message


@pytest.mark.parametrize(
    ("given_", "field"),
    [
        ({"format": "pdf"}, "format"), ({"subject": 3}, "subject"), ({"nope": 1}, "nope"),
        ({"blocks": [{"type": "video"}]}, "blocks.0.type"),
        ({"blocks": [{"type": "text", "html": "", "size": 3}]}, "blocks.0.size"),
        ({"blocks": [{"type": "button", "href": "javascript:x"}]}, "blocks.0.href"),
        ({"blocks": [{"type": "image", "src": "//a.b/c.png"}]}, "blocks.0.src"),
        ({"blocks": [{"type": "columns"}]}, "blocks.0.columns"),
        ({"blocks": [{"type": "columns", "columns": [{"alt": 1}, {}]}]}, "blocks.0.columns.0.alt"),
        ({"blocks": [{"type": "spacer", "height": 4000}]}, "blocks.0.height"),
        ({"blocks": [{"type": "text", "id": "a"}, {"type": "text", "id": "a"}]}, "blocks.1.id"),
        ({"blocks": "x"}, "blocks"), ({"source": "x" * 200_001}, "source"), ([], "content"),
    ],
)  # fmt: skip
def test_json_that_is_no_content_is_refused_by_its_field(given_: Any, field: str) -> None:
    with pytest.raises(ContentError) as wrong:
        Content.from_json(given_)
    assert wrong.value.field == field


def test_json_comes_back_as_it_was_understood() -> None:
    content = built(*EVERYTHING, preheader="P", layout="plain", text="Own {{ person.name }}")
    assert Content.from_json(content.to_json()) == content


def test_rich_text_keeps_its_tags_and_loses_what_could_do_harm() -> None:
    given_ = (
        "<p onclick=x>Hi {{ person.nick | default: &quot;a &lt; b&quot; }}"
        "<script>x</script><a href='javascript:x'>y</a></p>"
    )
    mail = filled(built(text(given_)))
    assert "Hi a &lt; b" in mail.html
    assert "onclick" not in mail.html
    assert "javascript" not in mail.html


def test_text_that_was_typed_is_a_plain_letter() -> None:
    content = Content.of_text("Hi", "Dear {{ person.first_name }},\nyour <box> is here.\n\nInes")
    mail = filled(content)
    assert "Dear Pat,<br>your &lt;box&gt; is here." in mail.html
    assert mail.text == "Dear Pat,\nyour <box> is here.\n\nInes\n"


def test_a_text_of_ones_own_is_sent_as_it_is() -> None:
    assert filled(built(text("<p>x</p>"), text="Own {{ person.name }}")).text == "Own Pat Doe"


@pytest.mark.parametrize(
    "color", ["#000000", "#ffffff", "#1f3a6e", "#ffee00", "#e03e2d", "#777777", "red", ""]
)
def test_a_button_can_be_read_in_any_colour_by_day_and_by_night(color: str) -> None:
    look = Look("A", color=color)
    light, dark = sorted((luminance(look.ground), luminance(look.on_ground)))
    assert (dark + 0.05) / (light + 0.05) >= 4.5
    assert (luminance(look.night_ink) + 0.05) / (luminance("#141417") + 0.05) >= 4.5
    assert contrast(look.letters, "#f3f1ec") >= 4.5


def test_behind_a_preheader_a_mailbox_shows_nothing_of_the_mail() -> None:
    mail = filled(built(text("<p>Hello</p>"), preheader="What is new, {{ person.first_name }}"))
    shown = mail.html.partition("What is new, Pat")[2]
    assert shown.startswith("&zwnj;&nbsp;" * 60 + "<")
    assert mail.html.isascii()


def test_a_plain_letter_begins_at_the_left_of_however_wide_a_window() -> None:
    plain = filled(built(text("<p>Hello</p>"), layout="plain")).html
    assert 'class="r-bare" style="margin: 0 !important' in plain
    assert "r-bare" not in filled(built(text("<p>Hello</p>"))).html.partition("</head>")[2]

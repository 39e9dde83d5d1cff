"""Rich text: what stays of it, and that nothing in it can run."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.inbox import rich_text

# What has run in somebody's editor before.
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><a xlink:href='javascript:alert(1)'><text y=9>x</text></a></svg>",
    "<math><mi//xlink:href='data:x,<script>alert(1)</script>'>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='JaVaScRiPt:alert(1)'>x</a>",
    "<a href=' \x01javascript:alert(1)'>x</a>",
    "<a href='java\tscript:alert(1)'>x</a>",
    "<a href='&#106;avascript:alert(1)'>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<a href='vbscript:x'>x</a>",
    "<a href='//evil.example'>x</a>",
    "<a href='/p/erase'>x</a>",
    "<a href='https://ok.example' onclick='alert(1)' style='position:fixed;inset:0'>x</a>",
    "<p style='background:url(javascript:alert(1))' onmouseover=alert(1)>x</p>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data='data:text/html,x'></object><embed src=x>",
    "<form action=https://evil.example><input name=p><button>Go</button></form>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<base href=https://evil.example>",
    "<link rel=stylesheet href=https://evil.example>",
    "<style>@import 'https://evil.example'</style>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<template><script>alert(1)</script></template>",
    "<textarea><script>alert(1)</script></textarea>",
    "<title><img src=x onerror=alert(1)></title>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<<script>script>alert(1)<</script>/script>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<b><svg><style><img src=x onerror=alert(1)></style></svg></b>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--><img src=x onerror=alert(1)>'>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<video><source onerror=alert(1)></video><audio src=x onerror=alert(1)>",
    "<details open ontoggle=alert(1)>x</details>",
    "<div contenteditable autofocus onfocus=alert(1) tabindex=1>x</div>",
    "<p id=main class=shell data-key=n hx-get=/x command=close>x</p>",
    "\"><script>alert('x')</script>",
    "<p title=x lang=xx dir=rtl>x</p>",
    "<a target=_self rel=opener href=https://x.example>x</a>",
]  # fmt: skip

ALLOWED = {"href", "rel", "target"}


class _Found(HTMLParser):
    """Whatever in it is neither words nor harmless markup."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in rich_text.TAGS:
            self.wrong.append(tag)
        for name, value in attrs:
            known = tag == "a" and name in ALLOWED
            harmless = name != "href" or re.match(r"(https?:|mailto:)", value or "")
            if not (known and harmless):
                self.wrong.append(f"{tag} {name}={value}")
        said = dict(attrs)
        if tag == "a" and said.get("target") != "_blank":
            self.wrong.append("a without a target")

    def handle_comment(self, data: str) -> None:
        self.wrong.append(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        self.wrong.append(f"<!{decl}>")


def wrong_with(html: str) -> list[str]:
    found = _Found()
    found.feed(html)
    found.close()
    return found.wrong


@pytest.mark.parametrize("hostile", HOSTILE)
def test_nothing_hostile_is_left(hostile: str) -> None:
    assert wrong_with(rich_text.clean(hostile)) == []
    assert wrong_with(rich_text.clean(f"<ul><li><b>{hostile}")) == []
    assert wrong_with(rich_text.of_text(hostile)) == []


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_plain_text_is_read_as_it_was_written(hostile: str) -> None:
    read = rich_text.plain(rich_text.of_text(hostile))
    assert "".join(read.split()) == "".join(hostile.split())


@given(st.text(max_size=200) | st.lists(st.sampled_from(HOSTILE), max_size=4).map("".join))
def test_cleaning_twice_changes_nothing(given_html: str) -> None:
    once = rich_text.clean(given_html)
    assert wrong_with(once) == []
    assert rich_text.clean(once) == once


@pytest.mark.parametrize(
    ("given_html", "kept"),
    [
        ("<b>a</b> <strong>b</strong> <i>c</i> <em>d</em> <u>e</u> <s>f</s> <code>g</code>",) * 2,
        ("<ul><li>a</li></ul><ol><li>b</li></ol>",) * 2,
        ("<div>a</div><div>b</div>", "<p>a</p><p>b</p>"),
        ("<h1>Title</h1><blockquote><p>said</p></blockquote>", "<p>Title</p><p>said</p>"),
        ("<p>a</p><p><br></p><p> </p>", "<p>a</p>"),
        ("<span style='color:red'>a</span><font size=7>b</font>", "ab"),
    ],
)
def test_a_little_markup_stays_and_blocks_become_paragraphs(given_html: str, kept: str) -> None:
    assert rich_text.clean(given_html) == kept


@pytest.mark.parametrize("href", ["https://a.example/?x=1&amp;y=2", "mailto:a@b.example"])
def test_links_to_the_web_and_to_mail_open_elsewhere_and_tell_nothing(href: str) -> None:
    cleaned = rich_text.clean(f'<a href="{href}">x</a>')
    rel = 'rel="noopener noreferrer nofollow"'
    assert cleaned == f'<a href="{href}" target="_blank" {rel}>x</a>'


def test_a_web_address_in_plain_text_ends_before_the_stop() -> None:
    cleaned = rich_text.of_text("(see https://a.example/x?y=1; or https://b.example).")
    assert re.findall('href="([^"]+)"', cleaned) == ["https://a.example/x?y=1", "https://b.example"]


def test_more_markup_than_anybody_writes_is_refused() -> None:
    with pytest.raises(rich_text.TooMuchError):
        rich_text.clean("<ul><li>" * 5_001)


@given(st.text(max_size=200) | st.lists(st.sampled_from(HOSTILE), max_size=4).map("".join))
def test_what_is_kept_is_shown_as_it_is_and_what_was_tampered_with_is_cleaned(text: str) -> None:
    assert wrong_with(rich_text.kept(text)) == []
    cleaned = rich_text.clean(text)
    assert rich_text.kept(cleaned) == cleaned


def test_what_may_be_kept_may_be_shown() -> None:
    assert rich_text.kept(rich_text.clean("<b>" * 9_999 + "x")).count("<") > rich_text.MOST_MARKS

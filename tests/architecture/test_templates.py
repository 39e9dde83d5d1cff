"""Templates obey the console's policy: nothing inline, so that a strict CSP costs no screen."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "regulars"
# The demo shop plays a customer's site, which has no policy of ours; emails need inline styles.
TEMPLATES = sorted(
    path
    for path in PACKAGE.rglob("*.html")
    if not path.is_relative_to(PACKAGE / "demo") and "email" not in path.parts
)
SPRITE = (PACKAGE / "static" / "icons.svg").read_text()

_COMMENT = re.compile(r"{% comment %}.*?{% endcomment %}", re.DOTALL)
_TAG = re.compile(r"{%.*?%}|{{.*?}}", re.DOTALL)
_ICON = re.compile(r"""{% icon "([a-z0-9-]+)\"""")
_INCLUDED = re.compile(r"""{% (?:include|extends) "([^"]+)\"""")


class _Inline(HTMLParser):
    """Collects what a strict policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag == "style" or (tag == "script" and not said.get("src")):
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            if name == "style" or name.startswith(("on", "hx-on")):
                self.found.append(f"{tag} {name}=")
            if (value or "").strip().lower().startswith(("javascript:", "js:")):
                self.found.append(f"{tag} {name}={value}")


def _inline(source: str) -> list[str]:
    parser = _Inline()
    parser.feed(_TAG.sub("x", _COMMENT.sub("", source)))
    parser.close()
    return parser.found


def test_the_search_for_inline_code_finds_it() -> None:
    bad = (
        '<p style="color:red" onclick="x()"><script>x</script><script src=x></script>'
        '<style></style><a href=" JavaScript:x"><b hx-on:click="x" hx-vals="js:{}">'
    )
    assert _inline(bad) == [
        "p style=",
        "p onclick=",
        "<script>",
        "<style>",
        "a href= JavaScript:x",
        "b hx-on:click=",
        "b hx-vals=js:{}",
    ]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_template_holds_no_inline_style_script_or_handler(path: Path) -> None:
    assert _inline(path.read_text()) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_icon_a_template_names_is_in_the_sprite(path: Path) -> None:
    named = set(_ICON.findall(path.read_text()))
    assert {name for name in named if f'id="i-{name}"' not in SPRITE} == set()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_template_a_template_names_exists(path: Path) -> None:
    homes = [folder for folder in PACKAGE.rglob("templates") if folder.is_dir()]
    named = set(_INCLUDED.findall(path.read_text()))
    known = ("account/", "allauth/", "mfa/")  # shipped by django-allauth
    missing = {
        name
        for name in named
        if not name.startswith(known) and not any((home / name).is_file() for home in homes)
    }
    assert missing == set()


def test_a_component_says_what_it_takes() -> None:
    components = (PACKAGE / "console" / "templates" / "console" / "components").glob("*.html")
    silent = [path.name for path in components if "{% comment %}" not in path.read_text()]
    assert silent == []


def test_every_stylesheet_is_imported_once() -> None:
    css = PACKAGE / "static" / "console"
    imported = re.findall(r'@import "(.+?)";', (css / "console.css").read_text())
    written = [str(path.relative_to(css)) for path in (css / "css").rglob("*.css")]
    assert sorted(imported) == sorted(written)

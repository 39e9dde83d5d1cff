"""Plain templates for the demo shop: `string.Template` files in which every value is escaped.

Only a value that is already `Markup` goes in as it stands: another template's
result, or one of our own drawings.
"""

from functools import cache
from html import escape
from pathlib import Path
from string import Template

HERE = Path(__file__).parent


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


@cache
def _template(name: str) -> Template:
    return Template((HERE / "templates" / f"{name}.html").read_text("utf-8"))


@cache
def drawing(name: str) -> Markup:
    """One of our own drawings. It stands in the page, so that the style sheet colours it."""
    return Markup((HERE / "art" / f"{name}.svg").read_text("utf-8").strip())


def render(name: str, /, **values: str) -> Markup:
    """The template `name` with its values put in; a value it lacks is an error."""
    safe = {
        key: value if isinstance(value, Markup) else escape(value) for key, value in values.items()
    }
    return Markup(_template(name).substitute(safe))


def join(parts: list[Markup]) -> Markup:
    """Pieces of HTML, one after another."""
    return Markup("\n".join(parts))

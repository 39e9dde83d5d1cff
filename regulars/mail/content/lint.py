"""What is wrong with a content, or will be, before anybody gets it. Pure.

`lint` says all of it at once, each with the field that it is about, so that an editor can lead
there; what is well is said too. Errors keep a mail from being sent, warnings do not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any, Literal

from regulars.mail.content.blocks import Button, Columns, Footer, Image, Scale, written
from regulars.mail.content.compiling import Compiled, compile_content, place_of_failure
from regulars.mail.content.content import Content
from regulars.mail.content.errors import ContentError, RenderError
from regulars.mail.content.look import Look

Level = Literal["error", "warning", "ok"]
Path = tuple[Any, ...]

GMAIL_CLIPS_AT = 102  # KB of HTML, behind which Gmail shows a link to the rest

_ROOTS = frozenset({"person", "company", "project", "unsubscribe_url", "preferences_url"})
_LINK = re.compile(r"""<a\s[^>]{0,2000}?href\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_IMG = re.compile(r"<img(?:\s[^>]{0,4000})?>", re.IGNORECASE)
_ALT = re.compile(r"""\salt\s*=\s*(?:"\s*[^"\s]|'\s*[^'\s]|[^\s"'>])""", re.IGNORECASE)
_SRC = re.compile(r"""\ssrc\s*=\s*["']?([^"'\s>]*)""", re.IGNORECASE)
_DROPPED = re.compile(r"<(script|form|iframe|object|embed|video|audio)[\s>]", re.IGNORECASE)
# Names and addresses that only this machine, or only this house, can reach.
_HERE = re.compile(
    r"https?://(?:[^/@\s]*@)?(?:localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[::1\]|10\.\d+\.\d+\.\d+"
    r"|192\.168\.\d+\.\d+|172\.(?:1[6-9]|2\d|3[01])\.\d+\.\d+|[^/\s:]+\.(?:local|localhost|test))"
    r"(?:[:/?#]|$)",
    re.IGNORECASE,
)
_EXAMPLE = re.compile(
    r"https?://(?:[^/@\s]*\.)?example\.(?:com|org|net)(?:[:/?#]|$)", re.IGNORECASE
)
_LEAVES = re.compile(r"\{\{[^}]*\bunsubscribe_url\b")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about a content. `where` is a field's path, or empty for the whole."""

    level: Level
    code: str
    message: str
    where: str = ""
    detail: str = ""


def lint(
    content: Content,
    *,
    marketing: bool,
    look: Look,
    knows: Callable[[Path], bool] = lambda _path: True,
    samples: tuple[Mapping[str, Any], ...] = (),
) -> list[Finding]:
    """All there is to say, errors first. `knows` says whether there is such a fact of people.

    The content is tried on somebody of whom nothing is known, and on the `samples`.
    """
    found = [*_subject(content), *_emptiness(content)]
    try:
        compiled = compile_content(content, look, marketing=marketing)
    except ContentError as wrong:
        found.append(Finding("error", "broken", wrong.message, wrong.field))
        compiled = None
    found += _blocks(content) if content.format == "blocks" else _source(content)
    found += _links(content)
    found += _leaving(content, look, marketing=marketing)
    if compiled is not None:
        found += _tags(content, compiled, knows)
        found += _tried(content, compiled, look, ({}, *samples))
    rank = {"error": 0, "warning": 1, "ok": 2}
    return sorted(found, key=lambda one: rank[one.level])


def _subject(content: Content) -> Iterator[Finding]:
    if not content.subject.strip():
        yield Finding("error", "empty_subject", "The subject is empty.", "subject")


def _emptiness(content: Content) -> Iterator[Finding]:
    if content.format == "html" and not content.source.strip():
        yield Finding("error", "empty", "There is no HTML yet.", "source")
    if content.format == "blocks" and all(isinstance(one, Footer) for one in content.blocks):
        yield Finding("error", "empty", "There is nothing in this mail yet.", "blocks")


def _blocks(content: Content) -> Iterator[Finding]:  # noqa: C901 - a case a kind
    for place, block in enumerate(content.blocks):
        at = f"blocks.{place}"
        match block:
            case Image(src=""):
                yield Finding(
                    "warning", "no_picture", "A picture block has no picture.", f"{at}.src"
                )
            case Image(alt=""):
                yield _no_alt(f"{at}.alt")
            case Button():
                if not block.href:
                    yield Finding("error", "no_link", "A button leads nowhere.", f"{at}.href")
                if not block.label:
                    yield Finding("error", "no_label", "A button says nothing.", f"{at}.label")
            case Scale(href=""):
                yield Finding("error", "no_link", "The scale leads nowhere.", f"{at}.href")
            case Columns():
                for number, column in enumerate(block.columns):
                    if column.src and not column.alt:
                        yield _no_alt(f"{at}.columns.{number}.alt")
            case _:
                pass


def _no_alt(where: str) -> Finding:
    detail = "Many mailboxes hide pictures at first."
    return Finding("warning", "no_alt", "A picture has no description.", where, detail)


def _source(content: Content) -> Iterator[Finding]:
    for found in _IMG.finditer(content.source):
        if not _ALT.search(found[0]):
            yield _no_alt("source")
            break
    for found in _IMG.finditer(content.source):
        src = _SRC.search(found[0])
        if src and not re.match(r"https?://|\{[{%]", src[1], re.IGNORECASE):
            message = "A picture has no full address (https://…)."
            yield Finding("warning", "picture_address", message, "source", src[1][:80])
            break
    if dropped := _DROPPED.search(content.source):
        message = f"Mail programs drop <{dropped[1].lower()}>."
        yield Finding("warning", "dropped", message, "source")


def _links(content: Content) -> Iterator[Finding]:
    for where, address in dict.fromkeys(_addresses(content)):
        if _EXAMPLE.match(address):
            message = "A link is only an example: put your own in."
            yield Finding("warning", "link_example", message, where, address[:200])
        elif _HERE.match(address):
            message = "A link goes to an address that only you can reach."
            if "localhost" in address.lower():
                message = "A link goes to localhost."
            yield Finding("warning", "link_local", message, where, address[:200])


def _addresses(content: Content) -> Iterator[tuple[str, str]]:
    if content.format == "html":
        for found in _LINK.finditer(content.source):
            yield "source", unescape(found[1] or found[2] or "").strip()
        return
    for place, block in enumerate(content.blocks):
        yield from _of(written(block), f"blocks.{place}")


def _of(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _of(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _of(inner, f"{path}.{place}")
    elif isinstance(value, str) and path.endswith(".href"):
        yield path, value
    elif isinstance(value, str) and path.endswith(".html"):
        for found in _LINK.finditer(value):
            yield path, unescape(found[1] or found[2] or "")


def _leaving(content: Content, look: Look, *, marketing: bool) -> Iterator[Finding]:
    if not marketing:
        return
    if not look.address.strip():
        message = "Marketing needs the company's postal address."
        yield Finding("error", "no_address", message, "", "Settings, Project.")
    own = (
        any(isinstance(one, Footer) for one in content.blocks)
        if content.format == "blocks"
        else bool(_LEAVES.search(content.source))
    )
    if own:
        yield Finding("ok", "unsubscribe", "Unsubscribe link is there")
    else:
        detail = "A footer with it is added at the end."
        yield Finding("warning", "no_unsubscribe", "There is no unsubscribe link.", "", detail)


def _tags(content: Content, compiled: Compiled, knows: Callable[[Path], bool]) -> Iterator[Finding]:
    wrong = False
    for path in compiled.paths:
        if path[0] not in _ROOTS or (path[0] == "person" and not knows(path)):
            wrong = True
            message = f"There is no fact “{named(path)}”."
            detail = "It begins with person., such as person.first_name."
            yield Finding(
                "warning", "unknown_tag", message, _where(content, path),
                "" if path[0] in _ROOTS else detail,
            )  # fmt: skip
    bare = {
        one.path: None
        for one in compiled.said
        if one.path[0] == "person" and one.fallback is None and not one.guarded
    }
    for path in bare:
        wrong = True
        message = f"“{named(path)}” has no fallback."
        detail = "Where it is unknown, nothing stands in its place."
        yield Finding("warning", "no_fallback", message, _where(content, path), detail)
    if not wrong:
        yield Finding("ok", "tags", "Every tag is known and has a fallback")


def named(path: Path) -> str:
    """A path as templates say it."""
    return ".".join("…" if part is None else str(part) for part in path)[:120]


def _where(content: Content, path: Path) -> str:
    """The field that first asks for a path, as near as its last name tells."""
    last = str(path[-1])
    if last in content.subject:
        return "subject"
    if content.format == "html":
        return "source"
    for place, block in enumerate(content.blocks):
        for field, said in written(block).items():
            if last in str(said) and "{" in str(said):
                return f"blocks.{place}.{field}"
    return "preheader" if last in content.preheader else ""


def _tried(
    content: Content, compiled: Compiled, look: Look, samples: tuple[Mapping[str, Any], ...]
) -> Iterator[Finding]:
    size = 0
    for facts in samples:
        try:
            size = max(size, len(compiled.render(facts).html.encode()))
        except RenderError as wrong:
            nearer = place_of_failure(content, facts, look) or wrong
            yield Finding("error", "stopped", nearer.message, nearer.field)
            return
    kilobytes = round(size / 1024)
    if size > GMAIL_CLIPS_AT * 1024:
        message = f"Gmail cuts it off: {kilobytes} of {GMAIL_CLIPS_AT} KB."
        yield Finding("warning", "too_large", message, "", str(kilobytes))
    else:
        message = f"{kilobytes} of {GMAIL_CLIPS_AT} KB before Gmail cuts it off"
        yield Finding("ok", "size", message, "", str(kilobytes))

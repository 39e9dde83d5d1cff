"""Serves the messenger's scripts: the launcher, the app, and a file of words for each language.

Their sources are small modules. Launcher and app are served as one script each: what it imports is
put before it, so that a page asks once. What the launcher already has, the app takes from there.
Style sheets go along as strings, since a page's policy may forbid inline styles, with those of the
console's tokens that they use in front.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Container, Iterable
from functools import cache
from pathlib import Path
from urllib.parse import parse_qs

from regulars.public import http, scripts
from regulars.public.http import Receive, Scope, Send
from regulars.public.scripts import Script
from regulars.public.short_names import shortened

STATIC = Path(__file__).parent.parent.parent / "static"
SOURCES = STATIC / "messenger"
TOKENS = STATIC / "console" / "css" / "tokens.css"

# A launcher is asked for at its own address and must be followed by a fitting app: five minutes.
LAUNCHER_SECONDS = 300
# What is asked for by its version never changes.
FOR_GOOD = "public, max-age=31536000, immutable"

_ADDRESS = re.compile(r"/messenger/(launcher|app|words-[a-z]{2})\.js")
_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([a-z-]+)\.js";$', re.MULTILINE)
_EXPORT = re.compile(r"(?<![\w.$])export (?=const |let |function |async |class )")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_TOKEN = re.compile(r"^\s*(--[\w-]+):\s*([^;]+);", re.MULTILINE)
_USED = re.compile(r"var\((--[\w-]+)")


class MessengerScripts:
    """The door that the messenger's scripts are had at."""

    def opens(self, path: str) -> bool:
        """Whether the path is one of its scripts'."""
        found = _ADDRESS.fullmatch(path)
        return found is not None and (SOURCES / _source(found[1])).exists()

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] not in ("GET", "HEAD"):
            await http.refuse(send, 405, "method_not_allowed", "Ask with GET.")
            return
        found = _ADDRESS.fullmatch(scope["path"])
        name = found[1] if found else "launcher"
        asked = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("v", [""])[0]
        await scripts.answer(scope, send, messenger_script(name, is_exact=asked == version()))


@cache
def messenger_script(name: str, *, is_exact: bool = False) -> Script:
    """What `/messenger/<name>.js` answers; `is_exact` where it was asked for by its version."""
    keeping = FOR_GOOD if is_exact and name != "launcher" else scripts.kept(LAUNCHER_SECONDS)
    text = _joined(name)
    if name == "launcher":
        text = text.replace("__VERSION__", version())
        text = text.replace("__LANGUAGES__", " ".join(languages()))
    return scripts.script(text, keeping)


def languages() -> list[str]:
    """The languages that the messenger speaks."""
    return sorted(path.stem for path in (SOURCES / "words").iterdir())


@cache
def version() -> str:
    """Changes with the app and its words: the launcher asks for both by it."""
    names = ["app", *(f"words-{language}" for language in languages())]
    return hashlib.sha256("".join(map(_joined, names)).encode()).hexdigest()[:12]


def style_sheet(name: str) -> str:
    """A style sheet on one line, after the tokens it uses; the app's has the launcher's already."""
    css = _COMMENT.sub("", (SOURCES / f"{name}.css").read_text("utf-8"))
    tokens = _tokens(css)
    if name != "launcher":
        tokens = {key: tokens[key] for key in tokens if f"{key}:" not in style_sheet("launcher")}
    declared = "".join(f"{token}:{value};" for token, value in sorted(tokens.items()))
    short = re.sub(r"\s+", " ", f".frame{{{declared}}}{css}").strip()
    short = re.sub(r" ?([{};,>]) ?", r"\1", short).replace(": ", ":").replace(";}", "}")
    return re.sub(r"(?<![\w.#])0\.", ".", short)


def _tokens(css: str) -> dict[str, str]:
    """The console's tokens that a style sheet uses, and those that these are made of."""
    everywhere = _TOKEN.findall(_COMMENT.sub("", TOKENS.read_text("utf-8")))
    values = dict(reversed(everywhere))  # the first: what follows is for coarse pointers and such
    own = dict(_TOKEN.findall(css))
    used: dict[str, str] = {}
    waiting = _USED.findall(css)
    while waiting:
        token = waiting.pop()
        if token in values and token not in used and token not in own:
            used[token] = values[token]
            waiting += _USED.findall(values[token])
    return used


def _source(name: str) -> str:
    return f"{name.replace('words-', 'words/')}.js"


@cache
def _joined(name: str) -> str:
    """One script of the modules that an entry is made of, with its style sheet."""
    parts = _parts(name)
    shared = _parts("launcher") if name != "launcher" else {}
    own = [source for source in parts if source not in shared]
    text = scripts.squeezed("".join(_IMPORT.sub("", parts[source]) for source in own))
    if shared:
        text = _EXPORT.sub("", text)
        taken = ",".join(sorted(_taken((parts[source] for source in own), shared)))
        text = f'import{{{taken}}}from"./launcher.js";{text}' if taken else text
    text = shortened(text)
    place = f'"__{name.upper()}_CSS__"'
    if place in text:
        text = text.replace(place, json.dumps(style_sheet(name), ensure_ascii=False))
    return text


def _taken(sources: Iterable[str], shared: Container[str]) -> set[str]:
    """The names that sources import from those that are shared."""
    imports = [found for source in sources for found in _IMPORT.findall(source)]
    return {
        name.strip()
        for names, imported in imports
        if f"{imported}.js" in shared
        for name in names.split(",")
    }


def _parts(name: str) -> dict[str, str]:
    """The sources of a script in an order in which each comes after those it imports."""
    order: dict[str, str] = {}

    def visit(source: str) -> None:
        if source in order:
            return
        text = (SOURCES / source).read_text("utf-8")
        for _names, imported in _IMPORT.findall(text):
            visit(f"{imported}.js")
        order[source] = text

    visit(_source(name))
    return order

"""Liquid with limits: what a template may say, and how much it may ask for.

The limits count work, not seconds: a template that passes here passes everywhere, however busy the
machine is. Tags and filters are those of a list; there are no files, no includes, no clock, and of
Python's objects nothing but the items of dictionaries and lists.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from liquid import BoundTemplate, Environment, RenderContext, escape
from liquid.ast import BlockNode, Node
from liquid.builtin import content, illegal, output
from liquid.builtin.expressions.filtered import FilteredExpression
from liquid.builtin.expressions.loop import LoopExpression
from liquid.builtin.expressions.path import Path
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.builtin.tags import (
    assign_tag,
    capture_tag,
    case_tag,
    comment_tag,
    cycle_tag,
    for_tag,
    if_tag,
    unless_tag,
)
from liquid.exceptions import (
    BlockNestingError,
    LiquidError,
    LoopIterationLimitError,
    OutputStreamLimitError,
    ResourceLimitError,
)
from liquid.undefined import UNDEFINED
from liquid.utils import ReadOnlyChainMap

from regulars.mail.content import plain
from regulars.mail.content.errors import ContentError, RenderError
from regulars.mail.content.filters import FILTERS, text

MOST_SOURCE = 300_000  # letters of a template
MOST_PIECES = 2_000  # its tags and outputs
MOST_OUTPUT = 400_000  # letters that come out
MOST_LOOPS = 5_000  # rounds of loops inside each other
MOST_WORK = 50_000  # outputs, tags and filters that are run for one person
MOST_NESTING = 20

_PIECE = re.compile(r"\{\{|\{%")


class _Context(RenderContext):
    """One rendering: counts the work, and gives items of plain data alone."""

    __slots__ = ("work",)

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.work = 0
        # Without the library's own “now” and “today”, which read the clock.
        self.scope = ReadOnlyChainMap(self.locals, self.globals, self.counters)

    def charge(self, work: int = 1) -> None:
        """Count work. Raises ResourceLimitError when it was too much."""
        self.work += work
        if self.work > MOST_WORK:
            raise ResourceLimitError("too much work", token=None)

    def get(self, path: list[Any], *, token: Any, default: Any = UNDEFINED) -> Any:
        """What stands at a path; most lead through dictionaries alone."""
        try:
            value = self.scope[path[0]]
            for part in path[1:]:
                if type(value) is not dict:
                    return super().get(path, token=token, default=default)
                value = value[part]
        except (KeyError, TypeError):
            return super().get(path, token=token, default=default)
        return value

    def filter(self, name: str, token: Any) -> Any:  # noqa: ARG002 - their signature
        self.charge()
        return self.env.filters[name]

    def assign(self, key: str, val: Any) -> None:
        self.charge()
        self.locals[key] = val

    def get_buffer(self, buf: Any = None) -> Any:
        return _Buffer(MOST_OUTPUT - (buf.size if isinstance(buf, _Buffer) else 0))

    def get_item(self, obj: Any, key: Any) -> Any:
        if isinstance(key, str) and key.startswith("__"):
            raise ResourceLimitError(_shut(key), token=None)
        return super().get_item(obj, key)


class _Buffer:
    """What was rendered so far."""

    __slots__ = ("_parts", "limit", "size")

    def __init__(self, limit: int) -> None:
        self._parts: list[str] = []
        self.limit = limit
        self.size = 0

    def write(self, text: str) -> int:
        self.size += len(text)
        if self.size > self.limit:
            raise OutputStreamLimitError("too much output", token=None)
        self._parts.append(text)
        return len(text)

    def getvalue(self) -> str:
        return "".join(self._parts)


class _Template(BoundTemplate):
    context_class = _Context

    def _get_buffer(self) -> Any:
        return _Buffer(MOST_OUTPUT)


def _counted(kind: type[Node]) -> type[Node]:
    """The same kind of node, whose every rendering is counted."""

    class Counted(kind):  # type: ignore[misc, valid-type]
        __slots__ = ()

        def render_to_output(self, context: Any, buffer: Any) -> int:
            context.charge()
            written: int = super().render_to_output(context, buffer)
            return written

    Counted.__name__ = kind.__name__
    return Counted


class _Output(output.OutputNode):
    """An output: text, numbers and lists of them; a dictionary says nothing."""

    __slots__ = ()

    def render_to_output(self, context: Any, buffer: Any) -> int:
        context.charge()
        value = self.expression.evaluate(context)
        if not isinstance(value, str):
            value = text(value)
        written: int = buffer.write(escape(value) if context.autoescape else value)
        return written


class _For(for_tag.ForNode):
    """A loop whose length is known before anything is made of it."""

    __slots__ = ()

    def render_to_output(self, context: Any, buffer: Any) -> int:
        context.charge()
        over = self.expression.iterable.evaluate(context)
        if isinstance(over, range) and over.stop - over.start > MOST_LOOPS:
            raise LoopIterationLimitError("too many rounds", token=self.token)
        return super().render_to_output(context, buffer)


_AS_THEY_ARE: tuple[Any, ...] = (
    content.Literal, illegal.Illegal, comment_tag.CommentTag, for_tag.BreakTag,
    for_tag.ContinueTag,
)  # fmt: skip
_COUNTED: tuple[Any, ...] = (
    if_tag.IfTag, unless_tag.UnlessTag, case_tag.CaseTag, capture_tag.CaptureTag,
    cycle_tag.CycleTag, assign_tag.AssignTag,
)  # fmt: skip


class _Liquid(Environment):
    block_nesting_limit = MOST_NESTING
    context_depth_limit = MOST_NESTING + 5
    loop_iteration_limit = MOST_LOOPS
    template_class = _Template

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:  # noqa: ARG002 - their signature
        """Only what is on the list."""
        for tag in _AS_THEY_ARE:
            self.add_tag(tag)
        for tag in _COUNTED:
            self.add_tag(_with_node(tag, _counted(tag.node_class)))
        self.add_tag(_with_node(output.Output, _Output))
        self.add_tag(_with_node(for_tag.ForTag, _For))
        self.filters.update(FILTERS)
        if not self.autoescape:
            self.filters["newline_to_br"] = text


def _with_node(tag: Any, node: type[Node]) -> Any:
    return type(tag.__name__, (tag,), {"node_class": node})


_HTML = _Liquid(autoescape=True)
_TEXT = _Liquid(autoescape=False)


@dataclass(frozen=True, slots=True)
class Said:
    """A fact that a template says: its path, and what stands for it where it is unknown.

    `guarded`: it stands inside an `if` or a loop, which may have asked for it first.
    """

    path: tuple[Any, ...]
    fallback: str | None
    guarded: bool
    line: int


class Program:
    """A template, parsed once and checked, to be filled in many times."""

    __slots__ = ("_field", "_plain", "_template", "paths", "said")

    def __init__(self, source: str, field: str, *, html: bool) -> None:
        """Raises ContentError, which names `field` and the line."""
        if len(source) > MOST_SOURCE:
            raise ContentError(field, f"It can have {MOST_SOURCE:,} letters at most.")
        if len(_PIECE.findall(source)) > MOST_PIECES:
            raise ContentError(field, f"It can have {MOST_PIECES:,} tags at most.")
        self._field = field
        try:
            self._template = (_HTML if html else _TEXT).from_string(source)
        except (LiquidError, RecursionError) as wrong:
            raise ContentError(field, _in_words(wrong)) from wrong
        reading = _Reading(self._template, field)
        self.paths = tuple(dict.fromkeys(reading.paths))
        self.said = tuple(reading.said)
        self._plain = plain.of(self._template.nodes, html=html)

    def render(self, facts: Mapping[str, Any]) -> str:
        """Filled in with what is known. Raises RenderError, which names the field and the line."""
        if self._plain is not None:
            filled = self._plain.fill(facts, MOST_OUTPUT)
            if filled is not None:
                return filled
        try:
            return self._template.render(facts)
        except LiquidError as wrong:
            raise RenderError(self._field, _in_words(wrong)) from wrong
        except (ArithmeticError, ValueError, TypeError, LookupError, RecursionError) as wrong:
            raise RenderError(self._field, f"It can't be filled in: {wrong}") from wrong


class _Reading:
    """Goes through a parsed template: what it asks for, and nothing that is shut."""

    def __init__(self, template: BoundTemplate, field: str) -> None:
        self.paths: list[tuple[Any, ...]] = []
        self.said: list[Said] = []
        self._field = field
        self._known = _Context(template)
        self._own: set[str] = set()  # names that the template gives by itself
        for node in template.nodes:
            self._node(node, guarded=False)
        self.paths = [path for path in self.paths if path[0] not in self._own]
        self.said = [said for said in self.said if said.path[0] not in self._own]

    def _node(self, node: Node, *, guarded: bool) -> None:
        self._own.update(str(name) for name in node.template_scope())
        self._own.update(str(name) for name in node.block_scope())
        for expression in node.expressions():
            self._expression(expression)
            if isinstance(node, _Output) and isinstance(expression, FilteredExpression):
                self._say(expression, guarded=guarded)
        inside = guarded or not isinstance(node, BlockNode | _Output)
        for child in node.children(self._known, include_partials=False):
            self._node(child, guarded=inside)

    def _say(self, expression: FilteredExpression, *, guarded: bool) -> None:
        if not isinstance(expression.left, Path):
            return
        fallback = None
        for filter_ in expression.filters or ():
            if filter_.name == "default":
                given = filter_.args[0].value if filter_.args else ""
                fallback = str(getattr(given, "value", ""))
        path = _plain_path(expression.left)
        self.said.append(Said(path, fallback, guarded, _line(expression.left)))

    def _expression(self, expression: Any) -> None:
        if isinstance(expression, Path):
            for part in expression.path:
                if isinstance(part, str) and part.startswith("__"):
                    raise self._wrong(expression, _shut(part))
            self.paths.append(_plain_path(expression))
        for filter_ in getattr(expression, "filters", None) or ():
            if filter_.name not in FILTERS:
                raise self._wrong(filter_, f"there is no filter “{filter_.name[:60]}”.")
        for part in expression.children():
            if isinstance(part, RangeLiteral) and not isinstance(expression, LoopExpression):
                raise self._wrong(part, "a range such as (1..5) can only stand in a “for”.")
            self._expression(part)

    def _wrong(self, thing: Any, message: str) -> ContentError:
        return ContentError(self._field, f"Line {_line(thing)}: {message}")


def _plain_path(path: Path) -> tuple[Any, ...]:
    return tuple(part if isinstance(part, str | int) else None for part in path.path)


def _shut(name: str) -> str:
    return f"“{name[:60]}” is not a fact: templates reach facts, never what is behind them."


def _line(thing: Any) -> int:
    token = getattr(thing, "token", None)
    if token is None or token.start_index < 0:
        return 1
    return int(token.source.count("\n", 0, token.start_index)) + 1


def _in_words(wrong: Exception) -> str:
    line = f"Line {_line(wrong)}: " if getattr(wrong, "token", None) is not None else ""
    if isinstance(wrong, LoopIterationLimitError):
        return f"{line}this loop was stopped: a template may go {MOST_LOOPS:,} rounds at most."
    if isinstance(wrong, OutputStreamLimitError):
        return f"{line}this was stopped: a mail can have {MOST_OUTPUT:,} letters at most."
    if isinstance(wrong, BlockNestingError):
        return f"{line}this is nested too deep."
    if isinstance(wrong, ResourceLimitError):
        said = str(wrong.message)
        stopped = "this was stopped: it is too much work to do for each person."
        return line + (said if said.startswith("“") else stopped)
    if isinstance(wrong, RecursionError):
        return "This is nested too deep."
    message = str(wrong.message if isinstance(wrong, LiquidError) else wrong).strip().rstrip(".")
    return f"{line}{message[:200]}."

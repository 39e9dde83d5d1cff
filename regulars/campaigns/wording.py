"""The messages of a campaign's email steps: where they come from, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import psycopg

from regulars.campaigns.engine import definition as d
from regulars.mail import templates
from regulars.mail.content.compiling import Rendered, compile_content
from regulars.mail.content.content import Content
from regulars.mail.content.errors import ContentError
from regulars.mail.content.lint import lint
from regulars.people import merge_context, queries
from regulars.people.letterhead import look_of

Connection = psycopg.Connection[Any]
Key = tuple[str, str]  # step, variant
Knows = Callable[[tuple[Any, ...]], bool]

# What is added to every message that lacks it, as the editor says.
_ADDED = frozenset({"no_unsubscribe"})


@dataclass(slots=True)
class Letters:
    """What a campaign's messages say, as they are sent; and what is wrong with each."""

    contents: dict[str, Any] = field(default_factory=dict)  # by "step:variant"
    wrong: dict[Key, tuple[str, ...]] = field(default_factory=dict)
    warnings: dict[Key, tuple[str, ...]] = field(default_factory=dict)


class _Reading:
    """Reads the messages of one campaign."""

    def __init__(self, connection: Connection, project_id: UUID) -> None:
        self._connection = connection
        self._project_id = project_id
        self._look = look_of(connection, project_id)
        self._knows = merge_context.knows(queries.custom_keys(connection, project_id))
        self.found = Letters()

    def read(self, step: d.Email, variant: d.Variant) -> None:
        key = (step.id, variant.id)
        try:
            content = content_of(self._connection, self._project_id, variant)
        except ContentError as wrong:
            self.found.wrong[key] = (wrong.message,)
            return
        except LookupError:
            self.found.wrong[key] = ("The template does not exist any more.",)
            return
        if content is None:
            return
        kept: dict[str, Any] = {"content": content.to_json()}
        if variant.template is not None:
            kept["template"] = str(variant.template)
        self.found.contents[f"{step.id}:{variant.id}"] = kept
        findings = lint(
            content, marketing=step.kind == "marketing", look=self._look, knows=self._knows
        )
        for level, said in (("error", self.found.wrong), ("warning", self.found.warnings)):
            messages = tuple(
                one.message for one in findings if one.level == level and one.code not in _ADDED
            )
            if messages:
                said[key] = messages


def letters_of(connection: Connection, project_id: UUID, definition: d.Definition) -> Letters:
    """The messages of all email steps, read and looked over."""
    steps = [one for one in d.all_steps(definition.steps) if isinstance(one, d.Email)]
    if not steps:
        return Letters()
    reading = _Reading(connection, project_id)
    for step in steps:
        for variant in step.variants:
            reading.read(step, variant)
    return reading.found


def content_of(connection: Connection, project_id: UUID, variant: d.Variant) -> Content | None:
    """What a message says; None where nothing is chosen. Raises ContentError, LookupError."""
    if variant.template is not None:
        content = template_content(connection, project_id, variant.template)
    elif variant.content is not None:
        content = Content.from_json(variant.content)
    else:
        return None
    return replace(content, subject=variant.subject) if variant.subject else content


def template_content(connection: Connection, project_id: UUID, template_id: UUID) -> Content:
    """What a template says. Raises LookupError where there is none, ContentError."""
    return templates.get(connection, project_id, template_id).read()


def template_names(connection: Connection, project_id: UUID) -> dict[UUID, str]:
    """What the project's templates are called."""
    return {one.id: one.name for one in templates.newest(connection, project_id)}


def previewed(
    connection: Connection, project_id: UUID, content: Content, step: d.Email
) -> Rendered:
    """A message as somebody of whom nothing is known would get it. Raises ContentError."""
    look = look_of(connection, project_id)
    compiled = compile_content(content, look, marketing=step.kind == "marketing")
    return compiled.render({})

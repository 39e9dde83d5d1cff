"""REST's own documentation page, made from its OpenAPI document and nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import format_html, format_html_join
from django.views.decorators.http import require_safe

from regulars.kit import environment
from regulars.public.rest.api import api

METHODS = ("get", "post", "put", "patch", "delete")
WORDS = {
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "boolean": "true or false",
    "object": "object",
    "null": "null",
}
FORMATS = {"uuid": "id", "date-time": "time"}


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that is sent or answered."""

    name: str
    type: str
    says: str
    needed: bool = False
    where: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """A body: its name and its fields."""

    name: str
    says: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """One method of one address."""

    id: str
    method: str
    path: str
    title: str
    says: str
    parameters: tuple[Field, ...]
    body: Shape | None
    answers: tuple[tuple[str, str, str], ...]  # status, its name, what comes


@dataclass(frozen=True, slots=True)
class Group:
    """Calls about one thing."""

    name: str
    calls: tuple[Call, ...]


@require_safe
def documentation(request: HttpRequest) -> HttpResponse:
    """`GET /api/v1/docs`."""
    groups, shapes = _document()
    context = {
        "groups": groups,
        "shapes": shapes,
        "base_url": environment.read().base_url,
    }
    return render(request, "public/documentation.html", context)


@cache
def _document() -> tuple[tuple[Group, ...], tuple[Shape, ...]]:
    document = api.get_openapi_schema()
    schemas: dict[str, Any] = document["components"]["schemas"]
    calls: dict[str, list[Call]] = {tag["name"]: [] for tag in document["tags"]}
    sent: set[str] = set()
    for path, method, operation in _operations(document):
        call = _call(path, method, operation, schemas)
        calls[operation["tags"][0]].append(call)
        if call.body is not None:
            sent.add(call.body.name)
    groups = tuple(Group(name, tuple(found)) for name, found in calls.items())
    answered = sorted(schemas.keys() - sent)
    return groups, tuple(_shape(name, schemas[name]) for name in answered)


def _operations(document: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                yield path, method, methods[method]


def _call(path: str, method: str, operation: dict[str, Any], schemas: dict[str, Any]) -> Call:
    parameters = tuple(
        Field(
            one["name"],
            _type(one["schema"]),
            _marked(one.get("description", "")),
            needed=one.get("required", False),
            where=one["in"],
        )
        for one in operation["parameters"]
    )
    body = None
    if "requestBody" in operation:
        name = _named(_content(operation["requestBody"]))
        body = _shape(name, schemas[name])
    answers = tuple(
        (status, HTTPStatus(int(status)).phrase, _type(_content(answer)))
        for status, answer in sorted(operation["responses"].items())
    )
    return Call(
        operation["operationId"],
        method.upper(),
        path,
        operation["summary"],
        _marked(operation.get("description", "")),
        parameters,
        body,
        answers,
    )


def _shape(name: str, schema: dict[str, Any]) -> Shape:
    needed = schema.get("required", ())
    return Shape(
        name,
        _marked(schema.get("description", "")),
        tuple(
            Field(key, _type(one), _marked(one.get("description", "")), needed=key in needed)
            for key, one in schema["properties"].items()
        ),
    )


def _marked(text: str) -> str:
    """The text as HTML: what stands between backticks is code."""
    parts = text.split("`")
    return format_html_join(
        "",
        "{}",
        (
            (format_html("<code>{}</code>", part) if n % 2 else part,)
            for n, part in enumerate(parts)
        ),
    )


def _content(part: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = part.get("content", {}).get("application/json", {}).get("schema", {})
    return found


def _named(schema: dict[str, Any]) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _type(schema: dict[str, Any]) -> str:
    """A schema in words: `text or null`, `list of Person`."""
    if "$ref" in schema:
        return _named(schema)
    if "enum" in schema:
        return ", ".join(schema["enum"])
    if "anyOf" in schema:
        words = list(dict.fromkeys(_type(one) for one in schema["anyOf"]))
        if "number" in words and "whole number" in words:
            words.remove("whole number")
        return " or ".join(words)
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    return FORMATS.get(schema.get("format", "")) or WORDS.get(schema.get("type", ""), "")

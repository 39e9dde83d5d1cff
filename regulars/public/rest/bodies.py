"""JSON in and out of REST, strictly: what could not be stored is named and refused at the door."""

from __future__ import annotations

import json
from typing import Any, NoReturn

import msgspec
from django.http import HttpRequest
from ninja.parser import Parser
from ninja.renderers import BaseRenderer

from regulars.public.rest.errors import ApiError
from regulars.tracking.pipeline import careful


class StrictParser(Parser):
    """Reads JSON bodies (RFC 8259: no NaN), and refuses half characters, NUL and the like."""

    def parse_body(self, request: HttpRequest) -> Any:
        """The body's value. Raises ApiError."""
        return read(request.body)


class Renderer(BaseRenderer):
    """Writes JSON: times in UTC as ISO 8601 with `Z`."""

    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:  # noqa: ARG002 - ninja's signature
        return write(data)


def read(body: bytes) -> Any:
    """The value of a JSON body. Raises ApiError."""
    try:
        tree = json.loads(body.decode(), parse_constant=_refuse, parse_int=careful.whole_number)
    except UnicodeDecodeError:
        raise ApiError(400, "The body is not valid UTF-8.", code="not_utf8") from None
    except (ValueError, RecursionError):
        raise ApiError(400, "The body is not valid JSON.", code="not_json") from None
    fault = careful.first_fault(tree)
    if fault is not None:
        raise ApiError(400, fault.detail, code=fault.reason.value, field=fault.field)
    return tree


def write(data: Any) -> bytes:
    """The data as JSON."""
    return msgspec.json.encode(data, enc_hook=str)


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)

"""The reference names every call, field and error code that REST has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ninja import Schema

from regulars.public.interakt import IMPORT, LEADS, MEMBERS
from regulars.public.rest import (
    campaigns_schemas,
    errors,
    schemas,
    thread_schemas,
    webhook_schemas,
)
from regulars.public.rest.api import api
from tests.slices.public.openapi import Document

REFERENCE = (Path(__file__).parents[3] / "docs/reference/rest.md").read_text("utf-8")
SECTIONS = set(re.findall(r"^### (\w+ /.+)$", REFERENCE, re.MULTILINE))
NAMED = set(re.findall(r"`\"?(\w+)\"?`", REFERENCE)) | set(re.findall(r'"(\w+)"', REFERENCE))
SHAPES = [
    schemas.Person, schemas.Event, schemas.Project, schemas.Search, schemas.Segment,
    schemas.NewSegment, schemas.SegmentWhy, schemas.Reason, schemas.Filling, schemas.Note,
    schemas.NewNote, thread_schemas.WholeTicket, thread_schemas.Message, thread_schemas.File,
    thread_schemas.NewConversation, thread_schemas.NewTicket, thread_schemas.Reply,
    thread_schemas.ConversationChange, thread_schemas.TicketChange, webhook_schemas.Webhook,
    webhook_schemas.Delivery, webhook_schemas.NewWebhook, webhook_schemas.WebhookChange,
    campaigns_schemas.CheckedCampaign, campaigns_schemas.Results, campaigns_schemas.StepResults,
]  # fmt: skip


def test_every_call_has_its_section_and_every_section_its_call() -> None:
    calls = Document(dict(api.get_openapi_schema(path_prefix="/"))).calls()
    assert {re.sub(r"{\w+}", "{id}", str(call)) for call in calls} == SECTIONS


@pytest.mark.parametrize("shape", SHAPES)
def test_every_field_is_named(shape: type[Schema]) -> None:
    assert set(shape.model_fields) - NAMED == set()


def test_every_error_code_is_named() -> None:
    assert {code for code, _ in errors.MEANINGS.values()} - NAMED == set()


def test_interakts_calls_are_named() -> None:
    assert [path for path in (MEMBERS, LEADS, IMPORT) if f"`POST {path}`" not in REFERENCE] == []

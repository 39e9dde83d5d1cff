"""What the filter panel asks for: which fields and operators there are, and a field's own values.

The panel knows no operator by itself: all of them come from the filter language's one table.
"""

from __future__ import annotations

from typing import Any

import psycopg
from django.http import HttpResponseBadRequest, HttpResponseBase, JsonResponse
from django.views.decorators.http import require_GET

from regulars.campaigns.campaigns import names as campaign_names
from regulars.console.access import AgentRequest, agent_view
from regulars.console.campaigns_called import steps_listed
from regulars.console.filter_fields import FLAGS, GROUPS, ICONS, icon_of
from regulars.filters.behaviour import (
    CAMPAIGN_OPERATORS,
    CHECKPOINT_OPERATORS,
    EVENT_OPERATORS,
    MAX_COUNT,
    MAX_DAYS,
    SEGMENT_OPERATORS,
)
from regulars.filters.catalog import CUSTOM_TYPES, STANDARD_FIELDS, ValueType
from regulars.filters.operands import KINDS, Operand
from regulars.filters.operators import operators_of
from regulars.filters.parse import MAX_CONDITIONS, MAX_LEVELS
from regulars.funnels import queries as funnels
from regulars.kit import database
from regulars.people import queries, values
from regulars.segments import queries as segments
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]

MOST_SUGGESTED = 12
MOST_EVENTS = 100
MOST_PROPERTIES = 50

# The keys of properties that events of a name had lately.
PROPERTIES = """
SELECT key, count(*) FROM (
    SELECT jsonb_object_keys(properties) AS key FROM (
        SELECT name, properties FROM event
        WHERE project_id = %s AND kind = 'track' ORDER BY id DESC LIMIT 5000
    ) late WHERE name = %s AND jsonb_typeof(properties) = 'object'
) keys GROUP BY key ORDER BY count(*) DESC, key LIMIT %s
"""


@agent_view()
@require_GET
def catalog(request: AgentRequest) -> HttpResponseBase:
    """Fields by group, operators by type, the project's events and segments, and the limits."""
    project_id = request.project.id
    with database.of_django() as core:
        custom = queries.custom_keys(core, project_id)
        company = queries.custom_keys(core, project_id, "company")
        events = values.frequent_values(core, project_id, values.EVENT, "", MOST_EVENTS)
        saved = segments.saved(core, project_id)
        of_checkpoint = request.GET.get("of") == "checkpoint"  # which asks for no other
        checkpoints = {} if of_checkpoint else funnels.titles(core, project_id)
        campaigns = {} if of_checkpoint else campaign_names(core, project_id)
        steps = steps_listed(core, project_id) if campaigns else {}
    return JsonResponse(
        {
            "groups": [
                *_standard(),
                _own("Custom attributes", "attributes", custom),
                _own("Company", "company", company),
            ],
            "types": {type_: _operators(type_) for type_ in (*_TYPES, "custom", "property")},
            "events": [{"name": one.value, "people": one.people} for one in events],
            "event_operators": [_named(one) for one in EVENT_OPERATORS.values()],
            "segments": [{"id": str(one.id), "name": one.name} for one in saved],
            "segment_operators": [_named(one) for one in SEGMENT_OPERATORS.values()],
            "checkpoints": [
                {"number": number, "name": title} for number, title in checkpoints.items()
            ],
            "checkpoint_operators": [
                {**_named(one), "windowed": one.windowed} for one in CHECKPOINT_OPERATORS.values()
            ],
            "campaigns": [
                {"id": str(id_), "name": name, "steps": steps.get(id_, [])}
                for id_, name in sorted(campaigns.items(), key=lambda one: one[1].casefold())
            ],
            "campaign_operators": [
                {**_named(one), "of_step": one.of_step, "of_email": one.of_variant}
                for one in CAMPAIGN_OPERATORS.values()
            ],
            "kinds": KINDS,
            "flags": FLAGS,
            "levels": MAX_LEVELS,
            "conditions": MAX_CONDITIONS,
            "days": MAX_DAYS,
            "count": MAX_COUNT,
        }
    )


@agent_view()
@require_GET
def suggestions(request: AgentRequest) -> HttpResponseBase:
    """The most frequent values of a field that hold what was typed."""
    field, typed = request.GET.get("field", ""), request.GET.get("q", "")
    try:
        with database.of_django() as core:
            found = values.frequent_values(core, request.project.id, field, typed, MOST_SUGGESTED)
    except InvalidError as wrong:
        return HttpResponseBadRequest(wrong.message, content_type="text/plain")
    return JsonResponse({"values": [{"value": one.value, "people": one.people} for one in found]})


@agent_view()
@require_GET
def properties(request: AgentRequest) -> HttpResponseBase:
    """The properties that events of a name had lately, the most frequent first."""
    name = request.GET.get("event", "")
    if "\x00" in name:
        return HttpResponseBadRequest("That is not an event.", content_type="text/plain")
    with database.of_django() as core:
        asked = (request.project.id, name, MOST_PROPERTIES)
        rows = core.execute(PROPERTIES, asked).fetchall()
    return JsonResponse({"properties": [key for key, _ in rows]})


_TYPES = tuple(type_.value for type_ in ValueType if type_ is not ValueType.ANY)


def _standard() -> list[dict[str, Any]]:
    return [
        {
            "label": label,
            "fields": [
                {
                    "key": key,
                    "label": STANDARD_FIELDS[key].label,
                    "type": STANDARD_FIELDS[key].type,
                    "icon": icon_of(STANDARD_FIELDS[key]),
                }
                for key in keys
            ],
        }
        for label, keys in GROUPS.items()
    ]


def _own(label: str, scope: str, keys: dict[str, str]) -> dict[str, Any]:
    return {
        "label": label,
        "fields": [
            {
                "key": f"{scope}.{key}",
                "label": key,
                "type": "custom",
                "likely": type_,
                "icon": ICONS["custom"],
            }
            for key, type_ in keys.items()
        ],
    }


def _operators(type_: str) -> list[dict[str, Any]]:
    """The operators on values of a type, in the order of a menu.

    `custom` has several types'; so has a `property` of an event, but for what moves with the clock.
    A custom address is text, and asked for as such unless by its network.
    """
    of_several = type_ in ("custom", "property")
    types = CUSTOM_TYPES if of_several else (ValueType(type_),)
    return [
        {
            "op": one.key,
            "type": one.type,
            "label": one.label,
            "operand": one.operand.name.lower(),
        }
        for one in operators_of(types)
        if not (of_several and one.operand is Operand.ADDRESS)
        and not (type_ == "property" and one.moving is not None)
    ]


def _named(operator: Any) -> dict[str, Any]:
    return {"op": operator.key, "label": operator.label}

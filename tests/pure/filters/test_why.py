"""Why a person is in or out: each condition with their own value."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given

from regulars.filters.ast import conditions
from regulars.filters.evaluate import evaluate
from regulars.filters.events import event_key
from regulars.filters.facts import Facts
from regulars.filters.operands import When
from regulars.filters.parse import parse
from regulars.filters.why import reasons, why
from tests.pure.filters.worlds import World, thorough, worlds

NOW = datetime(2024, 5, 15, tzinfo=UTC)
WHEN = When(NOW, UTC)


def test_each_condition_is_told_with_the_persons_value() -> None:
    bought = {"event": "Bought", "op": "at_least", "count": 3, "within_days": 30}
    segment, campaign = UUID(int=1), UUID(int=2)
    filter_ = parse(
        {
            "all": [
                {"field": "browser", "op": "is", "value": "firefox"},
                {
                    "any": [
                        {"field": "attributes.plan", "op": "is", "value": "pro"},
                        {"not": {"field": "sessions", "op": "gt", "value": 3}},
                    ]
                },
                bought,
                {"segment": str(segment), "op": "is_in"},
                {"checkpoint": 1, "op": "reached"},
                {"campaign": str(campaign), "op": "not_opened"},
            ]
        }
    )
    person = Facts(
        browser="Firefox",
        sessions=2,
        segments={segment},
        checkpoints={1: NOW},
        campaigns={campaign: {"sent", "opened"}},
        event_times={
            event_key(parse(bought)): [NOW - timedelta(days=ago) for ago in (1, 2, 40)]  # type: ignore[arg-type]
        },
    )
    person.refold()
    told = why(filter_, person, WHEN)
    assert not told.held
    assert [(one.sentence, one.value, one.held) for one in reasons(told)] == [
        ("Browser is firefox", "Firefox", True),
        ("plan is pro", None, False),
        ("Sessions is more than 3", 2, False),
        ("Did Bought at least 3 times in the past 30 days", 2, False),
        (f"Is in segment {segment}", True, True),
        ("Reached checkpoint 1", NOW, True),
        (f"Has not opened campaign {campaign}", ["opened", "sent"], False),
    ]
    assert [part.word for part in told.parts] == ["", "any", "", "", "", ""]
    assert told.parts[1].held


@given(worlds())
@thorough
def test_the_whole_is_what_the_parts_make_it(world: World) -> None:
    for filter_ in world.filters:
        for person in world.people:
            told = why(filter_, person, world.when)
            assert told.held == evaluate(filter_, person, world.when)
            assert len(list(reasons(told))) == len(list(conditions(filter_)))

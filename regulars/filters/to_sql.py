"""Filters into SQL: an expression for WHERE over a person.

The person is the row `p` of `person` and the row `a` of `person_activity`, joined on
`(project_id, id)`. Every subquery compares `project_id`. Negations are pushed down to the
conditions, so that NULL, which a condition may answer for an unknown value, always means no, and
indexes serve positive conditions wherever they stand.

Tables read besides, each only by conditions that ask for it: `event`, `segment_member`,
`checkpoint_reached(project_id, person_id, checkpoint, reached_at)`,
`checkpoint_times(project_id, person_id, at1 to at5)`, and of campaigns
`campaign_outcome(project_id, person_id, campaign_id, outcome)`, `campaign_entry` for where
somebody is and was, `email_recipient` with `campaign_email` for what came of a step's messages.

Lists ask the compact rows instead (`people/compact.py`): there `p` is a row of `person_compact`
and there is no `a`. Subqueries may then stand apart: asked once for all people, which is what a
count wants, rather than for each person, which is what a walk along a list wants.

Public: `to_sql(filter, now=…, zone=…) -> (sql, params)`, `compact_sql`, `event_to_sql(need, zone)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from types import MappingProxyType
from uuid import UUID

from regulars.filters.ast import (
    All,
    AnyOf,
    CampaignCondition,
    CheckpointCondition,
    EventCondition,
    FieldCondition,
    Filter,
    Not,
    SegmentCondition,
)
from regulars.filters.behaviour import CHECKPOINT_OPERATORS, SEGMENT_OPERATORS
from regulars.filters.columns import Column, column_of
from regulars.filters.compact import NONE, compact_column_of
from regulars.filters.events import EventNeed
from regulars.filters.operands import When
from regulars.filters.sql import Sql, joined

NO_RULES: Mapping[UUID, Sql] = MappingProxyType({})

_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)

# What came of the messages of a campaign's steps.
_EMAILS = (
    "email_recipient r JOIN campaign_email s ON s.project_id = r.project_id"
    " AND s.email_id = r.email_id"
)
_CAME_OF_IT = {"sent": "r.state = 'sent'", "passed": "TRUE"}  # others: a time of their own
# Where somebody is in a campaign, or how they left it.
_STANDING = {
    "under_way": "y.state = 'active' AND NOT y.held_out",
    "passed": "TRUE",
    "finished": "y.ended = 'finished'",
    "left_at_goal": "y.ended = 'goal'",
    "left_audience": "y.ended = 'audience_left'",
    "missed_deadline": "y.ended = 'deadline'",
}
_THERE = " AND y.step = %s::text"


def to_sql(filter_: Filter, *, now: datetime, zone: tzinfo) -> tuple[str, list[object]]:
    """SQL text with psycopg's `%s` placeholders, and the parameters.

    Segment conditions left in read `segment_member`. The text is in parentheses and may follow AND.
    """
    sql = _Writer(When(now, zone)).write(filter_, negated=False)
    return f"({sql.text})", list(sql.params)


def compact_sql(
    filter_: Filter,
    *,
    now: datetime,
    zone: tzinfo,
    apart: UUID | None = None,
    slots: Mapping[str, int] = NONE,
    deeds: Mapping[str, int] = NONE,
    rules: Mapping[UUID, Sql] = NO_RULES,
) -> tuple[str, list[object]]:
    """The same over a row `p` of `person_compact`; `apart` is the project to ask apart for.

    `slots` are those that custom values have, by their keys (`filters/slots.py`), `deeds` the bits
    of `did` that events have, by their names. `rules` are conditions over `p` that say the same as
    membership of a segment, and may be unknown.
    """
    writer = _CompactWriter(When(now, zone), apart, slots, deeds, rules)
    sql = writer.write(filter_, negated=False)
    return f"({sql.text})", list(sql.params)


def event_to_sql(
    need: EventNeed | EventCondition, *, zone: tzinfo, of_people: bool = False
) -> tuple[str, list[object]]:
    """An expression over a row `e` of `event`: whether it is one of the events asked for.

    It compares neither project nor person: whoever fills a memory from history adds both, and says
    so by `of_people`.
    """
    sql = _matching(need, When(_ANY_TIME, zone), of_people=of_people)
    return f"({sql.text})", list(sql.params)


class _Writer:
    def __init__(self, when: When) -> None:
        self._when = when

    def write(self, filter_: Filter, *, negated: bool) -> Sql:  # noqa: PLR0911  # one a case
        match filter_:
            case All(parts) | AnyOf(parts):
                word = " AND " if isinstance(filter_, All) != negated else " OR "
                pieces = (self.write(part, negated=negated) for part in parts)
                return joined(word, pieces).within("(", ")")
            case Not(part):
                return self.write(part, negated=not negated)
            case FieldCondition():
                opposite = bool(filter_.operator.negates)
                return _signed(self._asked(filter_), negated=negated != opposite)
            case EventCondition():
                return self._event(filter_, negated=negated)
            case SegmentCondition(segment, op):
                opposite = bool(SEGMENT_OPERATORS[op].negates)
                return _plainly(self._member(segment), negated=negated != opposite)
            case CheckpointCondition():
                opposite = bool(CHECKPOINT_OPERATORS[filter_.op].negates)
                return _plainly(self._checkpoint(filter_), negated=negated != opposite)
            case CampaignCondition():
                opposite = bool(filter_.operator.negates)
                return _plainly(self._campaign(filter_), negated=negated != opposite)

    def _asked(self, condition: FieldCondition) -> Sql:
        return _field(condition, column_of(condition.about, self._when.zone), self._when)

    def _event(self, condition: EventCondition, *, negated: bool) -> Sql:
        fewest, too_many = condition.operator.bounds(condition.count)
        tests = []
        if fewest:
            tests.append(_plainly(self._happened(condition, fewest), negated=negated))
        if too_many is not None:
            tests.append(_plainly(self._happened(condition, too_many), negated=not negated))
        if not tests:  # at least no times at all
            return Sql("FALSE" if negated else "TRUE")
        return joined(" OR " if negated else " AND ", tests).within("(", ")")

    def _happened(self, condition: EventCondition, count: int) -> Sql:
        """Whether the event happened at least `count` times in its window."""
        found = _matching(condition, self._when, of_people=True).within(
            "SELECT 1 FROM event e WHERE e.project_id = p.project_id AND e.person_id = p.id AND ",
            "",
        )
        found = self._in_window(condition, found)
        if count == 1:
            return found.within("EXISTS (", ")")
        limited = found.then(" LIMIT %s::bigint", count)
        return limited.within("(SELECT count(*) FROM (", ") found) >= %s::bigint", count)

    def _in_window(self, condition: EventCondition, found: Sql) -> Sql:
        if condition.within_days is None:
            return found
        since = self._when.now - timedelta(days=condition.within_days)
        return found.then(" AND e.happened_at >= %s::timestamptz", since)

    def _checkpoint(self, condition: CheckpointCondition) -> Sql:
        if condition.after:
            return self._in_order(condition)
        tests = Sql("c.checkpoint = %s::int", (condition.checkpoint,))
        if condition.days is not None:
            since = self._when.now - timedelta(days=condition.days)
            tests = tests.then(" AND c.reached_at >= %s::timestamptz", since)
        return self._exists("checkpoint_reached c", "c", tests)

    def _in_order(self, condition: CheckpointCondition) -> Sql:
        """Reached all of them, none before the one before: NULL where one was not."""
        times = [f"c.at{number}" for number in condition.chain]
        tests = joined(" AND ", (Sql(f"{one} <= {next_}") for one, next_ in pairwise(times)))
        if condition.days is not None:
            since = self._when.now - timedelta(days=condition.days)
            tests = tests.then(f" AND {times[-1]} >= %s::timestamptz", since)
        return self._exists("checkpoint_times c", "c", tests)

    def _member(self, segment: UUID) -> Sql:
        return self._exists("segment_member m", "m", Sql("m.segment_id = %s::uuid", (segment,)))

    def _campaign(self, condition: CampaignCondition) -> Sql:
        outcome, campaign = condition.operator.outcome, condition.campaign
        if condition.variant is not None or (
            condition.step is not None and condition.operator.kept_in == "emails"
        ):
            return self._exists(_EMAILS, "r", _of_message(condition))
        if condition.operator.kept_in == "entries":
            tests = Sql(f"y.campaign_id = %s::uuid AND {_STANDING[outcome]}", (campaign,))
            if condition.step is not None:
                there = " AND y.passed @> ARRAY[%s::text]" if outcome == "passed" else _THERE
                tests = tests.then(there, condition.step)
            return self._exists("campaign_entry y", "y", tests)
        tests = Sql("o.campaign_id = %s::uuid AND o.outcome = %s::text", (campaign, outcome))
        return self._exists("campaign_outcome o", "o", tests)

    def _exists(self, table: str, alias: str, tests: Sql) -> Sql:
        """Whether the person has a row of the table that meets the tests."""
        whose = f"{alias}.project_id = p.project_id AND {alias}.person_id = p.id"
        return tests.within(f"EXISTS (SELECT 1 FROM {table} WHERE {whose} AND ", ")")


class _CompactWriter(_Writer):
    """Writes for compact rows; subqueries apart where it is given the project."""

    def __init__(
        self,
        when: When,
        apart: UUID | None,
        slots: Mapping[str, int],
        deeds: Mapping[str, int],
        rules: Mapping[UUID, Sql],
    ) -> None:
        super().__init__(when)
        self._apart = apart
        self._slots = slots
        self._deeds = deeds
        self._rules = rules

    def _asked(self, condition: FieldCondition) -> Sql:
        column = compact_column_of(condition.about, self._when.zone, self._apart, self._slots)
        return _field(condition, column, self._when)

    def _happened(self, condition: EventCondition, count: int) -> Sql:
        if count == 1 and condition.is_ever and condition.event in self._deeds:
            return Sql("p.did & %s::bigint <> 0", (1 << self._deeds[condition.event],))
        if self._apart is None:
            return super()._happened(condition, count)
        tests = self._in_window(condition, _matching(condition, self._when))
        if count == 1:
            return self._exists("event e", "e", tests)
        did = tests.within("SELECT e.person_id FROM event e WHERE e.project_id = %s::uuid AND ", "")
        often = Sql(did.text, (self._apart, *tests.params)).then(
            " GROUP BY e.person_id HAVING count(*) >= %s::bigint", count
        )
        return often.within("EXISTS (SELECT 1 FROM (", ") did WHERE did.person_id = p.id)")

    def _member(self, segment: UUID) -> Sql:
        rule = self._rules.get(segment)
        return super()._member(segment) if rule is None else rule.within("(", " IS TRUE)")

    def _exists(self, table: str, alias: str, tests: Sql) -> Sql:
        if self._apart is None:
            return super()._exists(table, alias, tests)
        whose = f"{alias}.project_id = %s::uuid AND {alias}.person_id = p.id"
        sql = f"EXISTS (SELECT 1 FROM {table} WHERE {whose} AND {tests.text})"
        return Sql(sql, (self._apart, *tests.params))


def _of_message(condition: CampaignCondition) -> Sql:
    """Whether the row `r` is of one of the step's messages, and that came of it."""
    outcome = condition.operator.outcome
    came = _CAME_OF_IT.get(outcome, f"r.{outcome}_at IS NOT NULL")
    place = (condition.campaign, condition.step)
    tests = Sql(f"s.campaign_id = %s::uuid AND s.step = %s::text AND {came}", place)
    if condition.variant is None:
        return tests
    return tests.then(" AND s.variant = %s::text", condition.variant)


def _matching(condition: EventCondition | EventNeed, when: When, *, of_people: bool = False) -> Sql:
    """Whether the row `e` is a track call of that name whose properties meet the conditions.

    Where the events of certain people are asked for, these are found by person: without figures
    on how many events a name has, the planner may look through all of them for each person.
    """
    name = "(e.name || '')" if of_people else "e.name"
    tests = [Sql(f"e.kind = 'track' AND {name} = %s::text", (condition.event,))]
    tests += [
        _signed(
            _field(one, column_of(one.about, when.zone), when), negated=bool(one.operator.negates)
        )
        for one in condition.where
    ]
    return joined(" AND ", tests)


def _field(condition: FieldCondition, column: Column, when: When) -> Sql:
    """The positive side of a condition: true, or else false or NULL."""
    operator = condition.operator
    return operator.sql(column, operator.prepare(condition.value, when))


def _signed(sql: Sql, *, negated: bool) -> Sql:
    return sql.within("(", ") IS NOT TRUE") if negated else sql.within("(", ")")


def _plainly(sql: Sql, *, negated: bool) -> Sql:
    """The same for what is never NULL: so that PostgreSQL sees a NOT EXISTS where there is one."""
    return sql.within("NOT (", ")") if negated else sql.within("(", ")")

"""The operators on fields, each declared once: key, label, types, SQL, Python and sentence.

An operator that negates another is nothing but its opposite: since the positive one never holds
for an unknown value, the negative one always does (CONTRACT.md, 'Unknown').

`holds` tests one known value and is the reference. `sql` asks a `Column`. `python` writes an
expression over a local variable that holds the value, or None where it is unknown.

Public: `Operator`, `OPERATORS`, `find_operators`, and `operators_of` for menus.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from regulars.filters import operands
from regulars.filters.catalog import ValueType
from regulars.filters.columns import Column
from regulars.filters.operands import Moving, Network, Operand, When
from regulars.filters.sql import Sql, joined
from regulars.filters.times import Span

# Gives the name under which generated code finds a constant.
Constants = Callable[[object], str]


@dataclass(frozen=True, slots=True)
class Operator:
    """One way to ask about a field's value."""

    key: str
    type: ValueType
    label: str
    sentence: str
    operand: Operand
    holds: Callable[[Any, Any], bool]
    sql: Callable[[Column, Any], Sql]
    python: Callable[[Constants, str, Any], str]
    span: Callable[[Any, When], Span] | None = None
    moving: Moving | None = None
    negates: str | None = None

    def prepare(self, value: Any, when: When) -> Any:
        """The value as `holds`, `sql` and `python` take it."""
        if self.span is not None:
            return self.span(value, when)
        return operands.prepared(self.operand, value)


def _opposite(of: Operator, key: str, label: str, sentence: str) -> Operator:
    return replace(of, key=key, label=label, sentence=sentence, negates=of.key)


# Text: folded on both sides, compared by code point.


_TEXT_IS = Operator(
    "is", ValueType.TEXT, "is", "{field} is {value}", Operand.TEXT,
    holds=lambda value, text: value == text,
    sql=lambda column, text: column.text_in((text,)),
    python=lambda constant, value, text: f"{value} == {constant(text)}",
)  # fmt: skip


def _part(
    key: str, label: str, pattern: str, holds: Callable[[Any, Any], bool], test: str
) -> Operator:
    """An operator on a part of the text; `pattern` is LIKE's, `test` Python's, for `{text}`."""

    def sql(column: Column, text: str) -> Sql:
        escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        like = pattern.format(text=escaped)
        return column.when_text(text, lambda value: value.then(" LIKE %s::text", like))

    def python(constant: Constants, value: str, text: str) -> str:
        return f"({value} is not None and {test.format(value=value, text=constant(text))})"

    sentence = f"{{field}} {label} {{value}}"
    return Operator(key, ValueType.TEXT, label, sentence, Operand.TEXT, holds, sql, python)


_TEXT_CONTAINS = _part(
    "contains", "contains", "%{text}%", lambda value, text: text in value, "{text} in {value}"
)
_TEXT_ANY = Operator(
    "is_any_of", ValueType.TEXT, "is any of", "{field} is any of {value}", Operand.TEXTS,
    holds=lambda value, texts: value in texts,
    sql=lambda column, texts: column.text_in(texts),
    python=lambda constant, value, texts: f"{value} in {constant(frozenset(texts))}",
)  # fmt: skip

_TEXT = (
    _TEXT_IS,
    _opposite(_TEXT_IS, "is_not", "is not", "{field} is not {value}"),
    _TEXT_CONTAINS,
    _opposite(
        _TEXT_CONTAINS, "not_contains", "does not contain", "{field} does not contain {value}"
    ),
    _part(
        "starts_with", "starts with", "{text}%",
        lambda value, text: value.startswith(text), "{value}.startswith({text})",
    ),
    _part(
        "ends_with", "ends with", "%{text}",
        lambda value, text: value.endswith(text), "{value}.endswith({text})",
    ),
    _TEXT_ANY,
    _opposite(_TEXT_ANY, "is_none_of", "is none of", "{field} is none of {value}"),
)  # fmt: skip


# Numbers: compared exactly, as their decimal digits say.


def _comparison(key: str, label: str, sign: str, holds: Callable[[Any, Any], bool]) -> Operator:
    def sql(column: Column, number: float) -> Sql:
        return column.number_side(sign, number)

    def python(constant: Constants, value: str, number: float) -> str:
        return f"({value} is not None and {value} {sign} {constant(number)})"

    return Operator(
        key, ValueType.NUMBER, label, f"{{field}} {label} {{value}}", Operand.NUMBER,
        holds, sql, python,
    )  # fmt: skip


def _between_sql(column: Column, bounds: tuple[float, float]) -> Sql:
    sides = (column.number_side(">=", bounds[0]), column.number_side("<=", bounds[1]))
    return joined(" AND ", (side.within("(", ")") for side in sides))


_NUMBER_EQ = Operator(
    "eq", ValueType.NUMBER, "is", "{field} is {value}", Operand.NUMBER,
    holds=lambda value, number: value == number,
    sql=lambda column, number: column.number_is(number),
    python=lambda constant, value, number: f"{value} == {constant(number)}",
)  # fmt: skip

_NUMBER = (
    _NUMBER_EQ,
    _opposite(_NUMBER_EQ, "ne", "is not", "{field} is not {value}"),
    _comparison("gt", "is more than", ">", lambda value, number: value > number),
    _comparison("gte", "is at least", ">=", lambda value, number: value >= number),
    _comparison("lt", "is less than", "<", lambda value, number: value < number),
    _comparison("lte", "is at most", "<=", lambda value, number: value <= number),
    Operator(
        "between", ValueType.NUMBER, "is between", "{field} is between {value}", Operand.NUMBERS,
        # Not chained: it is asked of many values at once, too (`people/packed`).
        holds=lambda value, bounds: (bounds[0] <= value) & (value <= bounds[1]),
        sql=_between_sql,
        python=lambda constant, value, bounds:
            f"({value} is not None and {constant(bounds[0])} <= {value} <= {constant(bounds[1])})",
    ),
)  # fmt: skip


# Dates: each operator is a span of instants, computed in the project's time zone.


def _span_python(constant: Constants, value: str, span: Span) -> str:
    tests = [f"{value} is not None"]
    if span.start is not None:
        tests.append(f"{value} >= {constant(span.start)}")
    if span.end is not None:
        tests.append(f"{value} < {constant(span.end)}")
    return f"({' and '.join(tests)})"


def _date(
    key: str,
    label: str,
    sentence: str,
    operand: Operand,
    span: Callable[[Any, When], Span],
    *,
    moving: Moving | None = None,
) -> Operator:
    return Operator(
        key, ValueType.DATE, label, sentence, operand,
        holds=lambda value, wanted: wanted.holds(value),
        sql=lambda column, wanted: column.in_span(wanted),
        python=_span_python,
        span=span,
        moving=moving,
    )  # fmt: skip


_WITHIN = _date(
    "within_last", "in the past", "{field} {is}in the past {value}",
    Operand.DAYS, operands.span_within, moving=Moving.WITHIN,
)  # fmt: skip

_DATE = (
    _date("before", "before", "{field} {is}before {value}", Operand.MOMENT, operands.span_before),
    _date("after", "after", "{field} {is}after {value}", Operand.MOMENT, operands.span_after),
    _date("on", "on", "{field} {is}on {value}", Operand.MOMENT, operands.span_on),
    _date(
        "between", "between", "{field} {is}between {value}",
        Operand.MOMENTS, operands.span_between,
    ),
    _WITHIN,
    _opposite(
        _WITHIN, "not_within_last", "not in the past", "{field} {is}not in the past {value}"
    ),
    _date(
        "at_least_ago", "at least so long ago", "{field} {is}at least {value} ago",
        Operand.DAYS, operands.span_ago, moving=Moving.AGO,
    ),
)  # fmt: skip


# Addresses, tags and the rest.


def _in_network(column: Column, network: Network) -> Sql:
    return column.address("<<=", network)


def _is_address(column: Column, network: Network) -> Sql:
    return column.address("=", network)


_IP_IS = Operator(
    "is", ValueType.IP, "is", "{field} is {value}", Operand.ADDRESS,
    holds=lambda value, network: value == network.first,
    sql=_is_address,
    python=lambda constant, value, network: f"{value} == {constant(network.first)}",
)  # fmt: skip
_IP_IN = Operator(
    "in_network", ValueType.IP, "is in network", "{field} is in network {value}", Operand.NETWORK,
    holds=lambda value, network: network.first <= value <= network.last,
    sql=_in_network,
    python=lambda constant, value, network: (
        f"({value} is not None and "
        f"{constant(network.first)} <= {value} <= {constant(network.last)})"
    ),
)  # fmt: skip
_HAS = Operator(
    "has", ValueType.LIST, "has", "{field} have {value}", Operand.TEXT,
    holds=lambda value, tag: tag in value,
    sql=lambda column, tag: column.has_tag(tag),
    python=lambda constant, value, tag: f"{constant(tag)} in {value}",
)  # fmt: skip
_KNOWN = Operator(
    "is_known", ValueType.ANY, "is known", "{field} is known", Operand.NOTHING,
    holds=lambda value, _: value is not None,
    sql=lambda column, _: column.known(),
    python=lambda _, value, __: value,
)  # fmt: skip

_OTHERS = (
    Operator(
        "is", ValueType.BOOLEAN, "is", "{field} is {value}", Operand.BOOLEAN,
        holds=lambda value, wanted: value is wanted,
        sql=lambda column, wanted: column.is_boolean(wanted),
        python=lambda _, value, wanted: f"{value} is {wanted is True}",
    ),
    _IP_IS,
    _opposite(_IP_IS, "is_not", "is not", "{field} is not {value}"),
    _IP_IN,
    _opposite(_IP_IN, "not_in_network", "is not in network", "{field} is not in network {value}"),
    _HAS,
    _opposite(_HAS, "has_not", "has not", "{field} do not have {value}"),
    Operator(
        "is", ValueType.KIND, "is", "{field} is {value}", Operand.KIND,
        holds=lambda value, kinds: value in kinds,
        sql=lambda column, kinds: column.kind_in(kinds),
        python=lambda constant, value, kinds: f"{value} == {constant(kinds[0])}",
    ),
    Operator(
        "is_any_of", ValueType.KIND, "is any of", "{field} is any of {value}", Operand.KINDS,
        holds=lambda value, kinds: value in kinds,
        sql=lambda column, kinds: column.kind_in(kinds),
        python=lambda constant, value, kinds: f"{value} in {constant(frozenset(kinds))}",
    ),
    _KNOWN,
    _opposite(_KNOWN, "is_unknown", "is unknown", "{field} is unknown"),
)  # fmt: skip

OPERATORS: dict[tuple[ValueType, str], Operator] = {
    (operator.type, operator.key): operator for operator in (*_TEXT, *_NUMBER, *_DATE, *_OTHERS)
}


def find_operators(types: tuple[ValueType, ...], key: str) -> list[Operator]:
    """The operators of that key on values of these types, those of the first type first."""
    return [OPERATORS[type_, key] for type_ in (*types, ValueType.ANY) if (type_, key) in OPERATORS]


def operators_of(types: tuple[ValueType, ...]) -> list[Operator]:
    """All operators that fit values of these types, as a menu shows them."""
    return [one for one in OPERATORS.values() if one.type in (*types, ValueType.ANY)]

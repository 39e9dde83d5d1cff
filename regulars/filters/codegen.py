"""Building blocks of generated code: constants by name, and locals that hold a field's value.

No text from outside ever becomes source: every value is a constant bound to a made-up name.

Public: `Constants`, `Locals`, `PersonReader`, `PropertyReader`, `static_test`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import UTC, datetime, time, tzinfo
from functools import lru_cache
from typing import Any, Protocol

from regulars.filters.ast import FieldCondition
from regulars.filters.catalog import Field, ValueType
from regulars.filters.operands import When
from regulars.filters.times import first_instant, read_iso
from regulars.filters.values import WHOLE_FROM, address_number, exact_number
from regulars.kit.text import fold

# Texts whose meaning as a date or address is remembered, per generated function.
_REMEMBERED = 8_192

# Stands for now where nothing moves with the clock.
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)


_BUILTINS = {"len": len, "type": type, "int": int, "float": float, "str": str}


class Constants:
    """The global names of generated code. Equal constants of one type share a name."""

    def __init__(self) -> None:
        self.namespace: dict[str, Any] = {"__builtins__": _BUILTINS}
        self._names: dict[tuple[type, Hashable], str] = {}

    def __call__(self, value: Any) -> str:
        key = (type(value), value)
        name = self._names.get(key)
        if name is None:
            name = self._names[key] = f"k{len(self._names)}"
            self.namespace[name] = value
        return name

    def bind(self, name: str, value: Any) -> None:
        self.namespace[name] = value


class Reader(Protocol):
    """Writes, once, the lines that put a field's value into a local, and names that local.

    The local is None where the value is unknown as one of the type; for `ANY` the name stands
    for an expression that says whether the value is known.
    """

    def __call__(self, field: Field, type_: ValueType) -> str: ...


class Locals:
    """The lines that open the function: locals, each with an expression's value."""

    def __init__(self, constants: Constants) -> None:
        self.lines: list[str] = []
        self._constant = constants
        self._names: dict[str, str] = {}

    def local(self, label: str, expression: str) -> str:
        """A local with the expression's value, evaluated once."""
        name = self._names.get(expression)
        if name is None:
            name = self._names[expression] = f"{label}_{len(self._names)}"
            self.lines.append(f"{name} = {expression}")
        return name

    def number(self, raw: str) -> str:
        """A local with a raw value where it is a number, brought to `exact_number`."""
        known = len(self._names)
        name = self.local("number", f"({raw})")
        if len(self._names) > known:
            self.lines.append(
                f"if type({name}) is not int and (type({name}) is not float or "
                f"not -{WHOLE_FROM!r} < {name} < {WHOLE_FROM!r}): {name} = exact({name})"
            )
        return name


class PersonReader(Locals):
    """Reads fields of `f`, a `Facts`, into locals."""

    def __init__(self, constants: Constants, zone: tzinfo) -> None:
        super().__init__(constants)
        constants.bind("address", _remembering(_address))
        constants.bind("exact", exact_number)
        constants.bind("instant", _remembering(_instants(zone)))

    def __call__(self, field: Field, type_: ValueType) -> str:
        if field.bag is not None:
            return self._custom(field, type_)
        match type_:
            case ValueType.TEXT:
                return self._folded(field)
            case ValueType.IP:
                return self.local("address", f"address(f.{field.key})")
            case ValueType.ANY:
                return self._standard_known(field)
            case _:
                return self.attribute(field.key)

    def attribute(self, name: str) -> str:
        """A local for an attribute of the facts; attribute names are ours alone."""
        return self.local(name, f"f.{name}")

    def _standard_known(self, field: Field) -> str:
        if field.type is ValueType.TEXT:
            return self._folded(field)
        value = self.attribute(field.key)
        return value if field.type is ValueType.LIST else f"({value} is not None)"

    def _folded(self, field: Field) -> str:
        folded = self.attribute("folded")
        return self.local("text", f"{folded}.get({self._constant(field.key)})")

    def _custom(self, field: Field, type_: ValueType) -> str:
        bag = self.attribute(field.bag or "")
        raw = self.local("raw", f"{bag}.get({self._constant(field.name)})")
        match type_:
            case ValueType.TEXT:
                return self._folded(field)
            case ValueType.NUMBER:
                return self.number(raw)
            case ValueType.DATE:
                return self.local("date", f"instant({self._folded(field)})")
            case ValueType.IP:
                return self.local("address", f"address({self._folded(field)})")
            case ValueType.ANY:
                text = self._folded(field)
                return _known(raw, f"{text} is not None")
            case _:
                return raw


class PropertyReader(Locals):
    """Reads the properties of an event, `properties`, into locals."""

    def __init__(self, constants: Constants, zone: tzinfo) -> None:
        super().__init__(constants)
        constants.bind("address", _address)
        constants.bind("exact", exact_number)
        constants.bind("instant", _instants(zone))
        constants.bind("text", _text)

    def __call__(self, field: Field, type_: ValueType) -> str:
        raw = self.local("raw", f"properties.get({self._constant(field.name)})")
        match type_:
            case ValueType.NUMBER:
                return self.number(raw)
            case ValueType.BOOLEAN:
                return raw
        text = self.local("text", f"text({raw})")
        match type_:
            case ValueType.DATE:
                return self.local("date", f"instant({text})")
            case ValueType.IP:
                return self.local("address", f"address({text})")
            case ValueType.ANY:
                return _known(raw, f"{text} is not None")
            case _:
                return text


def static_test(condition: FieldCondition, read: Reader, constants: Constants, zone: tzinfo) -> str:
    """An expression that says whether a condition holds that does not move with the clock."""
    operator = condition.operator
    wanted = operator.prepare(condition.value, When(_ANY_TIME, zone))
    test = operator.python(constants, read(condition.about, condition.type), wanted)
    return f"(not {test})" if operator.negates else test


def _known(raw: str, text_is_known: str) -> str:
    # NaN alone differs from itself.
    return f"({raw} is not None and {raw} == {raw} and (type({raw}) is not str or {text_is_known}))"


def _remembering(function: Callable[[str | None], Any]) -> Callable[[str | None], Any]:
    return lru_cache(maxsize=_REMEMBERED)(function)


def _address(text: str | None) -> int | None:
    return None if text is None else address_number(fold(text))


def _instants(zone: tzinfo) -> Callable[[str | None], datetime | None]:
    def instant(text: str | None) -> datetime | None:
        moment = None if text is None else read_iso(text)
        if moment is None:
            return None
        if not isinstance(moment, datetime):
            moment = datetime.combine(moment, time.min)
        return moment if moment.tzinfo is not None else first_instant(moment, zone)

    return instant


def _text(raw: Any) -> str | None:
    return (fold(raw) or None) if type(raw) is str else None

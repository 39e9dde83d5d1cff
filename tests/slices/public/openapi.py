"""An OpenAPI document put to use: what may be sent by it, and whether an answer keeps to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}


@dataclass(frozen=True)
class Call:
    """One method of one address, as the document has it."""

    method: str
    path: str
    operation: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class Document:
    """An OpenAPI 3.1 document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document

    def calls(self) -> Iterator[Call]:
        """Every call there is."""
        for path, methods in self._document["paths"].items():
            for method, operation in methods.items():
                yield Call(method.upper(), path, operation)

    def bodies(self, call: Call) -> st.SearchStrategy[Any]:
        """Bodies that the call's schema allows; None where it takes none."""
        body = call.operation.get("requestBody")
        return self.values(_schema(body)) if body else st.none()

    def names(self, call: Call) -> list[str]:
        """The fields that the call's body may have."""
        body = call.operation.get("requestBody")
        return list(self._resolved(_schema(body))["properties"]) if body else []

    def values(self, schema: dict[str, Any]) -> st.SearchStrategy[Any]:
        """Values that a schema allows."""
        schema = self._resolved(schema)
        if "anyOf" in schema:
            return st.one_of([self.values(one) for one in schema["anyOf"]])
        if "enum" in schema:
            return st.sampled_from(schema["enum"])
        of_type: dict[str, Callable[[dict[str, Any]], st.SearchStrategy[Any]]] = {
            "object": self._objects,
            "array": lambda array: st.lists(self.values(array["items"]), max_size=4),
            "string": _strings,
            "integer": lambda number: st.integers(number.get("minimum"), number.get("maximum")),
            "number": lambda _: st.floats(allow_nan=False, allow_infinity=False),
            "boolean": lambda _: st.booleans(),
            "null": lambda _: st.none(),
        }
        return of_type[schema["type"]](schema) if "type" in schema else JSON

    def faults(self, call: Call, status: int, body: Any) -> list[str]:
        """What of an answer does not keep to the document."""
        declared = call.operation["responses"].get(str(status))
        if declared is None:
            return [f"{call} never answers {status}"]
        schema = _schema(declared)
        if not schema:
            return [] if body is None else [f"{call} answers {status} without a body"]
        return list(self._faults(schema, body, "$"))

    def _objects(self, schema: dict[str, Any]) -> st.SearchStrategy[Any]:
        named = schema.get("properties")
        if named is None:
            return st.dictionaries(st.text(max_size=10), JSON, max_size=4)
        needed = set(schema.get("required", ()))
        return st.fixed_dictionaries(
            {key: self.values(one) for key, one in named.items() if key in needed},
            optional={key: self.values(one) for key, one in named.items() if key not in needed},
        )

    def _faults(self, schema: dict[str, Any], value: Any, at: str) -> Iterator[str]:
        schema = self._resolved(schema)
        if "anyOf" in schema:
            tried = [list(self._faults(one, value, at)) for one in schema["anyOf"]]
            yield from min(tried, key=len)
        elif "type" in schema and not _is(value, schema["type"]):
            yield f"{at}: {value!r} is no {schema['type']}"
        elif "enum" in schema and value not in schema["enum"]:
            yield f"{at}: {value!r} is none of {schema['enum']}"
        elif isinstance(value, dict):
            yield from self._object_faults(schema, value, at)
        elif isinstance(value, list):
            for number, one in enumerate(value):
                yield from self._faults(schema.get("items", {}), one, f"{at}[{number}]")
        elif isinstance(value, str) and "format" in schema:
            yield from _format_faults(schema["format"], value, at)

    def _object_faults(
        self, schema: dict[str, Any], value: dict[str, Any], at: str
    ) -> Iterator[str]:
        named = schema.get("properties", {})
        for key in schema.get("required", ()):
            if key not in value:
                yield f"{at}: {key} is missing"
        for key, one in value.items():
            if key in named:
                yield from self._faults(named[key], one, f"{at}.{key}")
            elif named:
                yield f"{at}: {key} is not described"

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in schema:
            return schema
        found: dict[str, Any] = self._document["components"]["schemas"][
            schema["$ref"].rpartition("/")[2]
        ]
        return found


def _schema(part: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = part.get("content", {}).get("application/json", {}).get("schema", {})
    return found


def _strings(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    if schema.get("format") == "uuid":
        return st.uuids().map(str)
    longest = min(schema.get("maxLength", 30), 30)
    return st.text(min_size=schema.get("minLength", 0), max_size=longest)


def _is(value: Any, type_: str) -> bool:
    if isinstance(value, bool):
        return type_ == "boolean"
    return isinstance(value, TYPES[type_])


def _format_faults(name: str, value: str, at: str) -> Iterator[str]:
    try:
        if name == "uuid":
            UUID(value)
        elif name == "date-time" and not value.endswith("Z"):
            yield f"{at}: {value} does not end with Z"
        elif name == "date-time":
            datetime.fromisoformat(value)
    except ValueError:
        yield f"{at}: {value} is no {name}"


# Texts that have broken things before: half characters, NUL, SQL, paths, numbers of other scripts.
TEXTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        [
            "\x00", "\ud800", "\udfff\ud800", "'; DROP TABLE person; --", "%s %(x)s", "../../etc",
            "null", "NaN", "1e999", "\u202e", "\ufeff", "İ", "ß", "x" * 9000, "٣", "{}", "[", "\\",
            "2024-02-30", "0000-01-01", "99999-01-01T00:00:00Z", "a@b", "a.b", "attributes.x", " ",
        ]
    ),
)  # fmt: skip
NUMBERS = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([2**63, -(2**63) - 1, 10**299, 10**400, 1e308, 5e-324, -0.0]),
)
# Any JSON at all, and some that is none (NaN, half characters).
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)

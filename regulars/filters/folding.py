"""The folded copies of a person's texts: what `person.folded` and `person.tags` must hold.

Comparisons read these copies alone, in SQL and in Python, so they are made in one place.

Public: `folded_texts`, `folded_tags`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from regulars.filters.catalog import STANDARD_FIELDS, ValueType
from regulars.kit.text import fold

TEXT_FIELDS = tuple(field.key for field in STANDARD_FIELDS.values() if field.type is ValueType.TEXT)


def folded_texts(
    standard: Mapping[str, str | None], attributes: Mapping[str, Any], company: Mapping[str, Any]
) -> dict[str, str]:
    """Field name to folded text, of every text that is not blank.

    `standard` maps the names of standard text fields to their raw values; others in it are
    ignored. Custom texts go by `attributes.<key>` and `company.<key>`.
    """
    found = {key: fold(raw) for key in TEXT_FIELDS if (raw := standard.get(key))}
    for bag, values in (("attributes", attributes), ("company", company)):
        for key, value in values.items():
            if isinstance(value, str):
                found[f"{bag}.{key}"] = fold(value)
    return {key: text for key, text in found.items() if text}


def folded_tags(tags: Iterable[str]) -> list[str]:
    """Folded tags, each once, none blank, in their order."""
    return list(dict.fromkeys(text for tag in tags if (text := fold(tag))))

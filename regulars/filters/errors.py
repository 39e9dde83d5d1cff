"""What a filter that cannot be understood answers.

Public: `FilterError`.
"""

from __future__ import annotations


class FilterError(ValueError):
    """A filter that is not one: what was expected, and where.

    `field` is the path of the offending part, such as `filter.all[0].value`; doors answer it as
    the `field` of a 400.
    """

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.message = message
        self.field = field

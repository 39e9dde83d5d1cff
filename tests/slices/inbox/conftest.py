"""The cast, for the tests of the inbox."""

from tests.cast import cast

__all__ = ["cast"]

"""The cast, for the tests that walk every address."""

from tests.cast import cast

__all__ = ["cast"]

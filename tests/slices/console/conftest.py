"""The cast, for the tests of the console's screens."""

from tests.cast import cast

__all__ = ["cast"]

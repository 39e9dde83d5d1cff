"""The cast, for the tests of workspaces."""

from tests.cast import cast

__all__ = ["cast"]

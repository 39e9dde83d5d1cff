"""The cast, for the tests of the inbox, and a project in which they talk."""

import pytest

from tests.cast import Cast, cast
from tests.slices.inbox.talk import Talk
from tests.slices.tracking.site import Site

__all__ = ["cast"]


@pytest.fixture
def talk(cast: Cast) -> Talk:
    """Alice's project; Alice answers."""
    return Talk(Site(cast.connection, cast.home.config, cast.home.secret_key), cast.alice.id)

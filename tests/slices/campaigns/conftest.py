"""The cast, and what Alice's project writes to its people."""

import pytest

from tests.cast import Cast, cast
from tests.slices.campaigns.mailing import Mailing
from tests.slices.tracking.site import Site

__all__ = ["cast"]


@pytest.fixture
def mailing(cast: Cast) -> Mailing:
    return Mailing(Site(cast.connection, cast.home.config, cast.home.secret_key))

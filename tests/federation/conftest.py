"""The plain scheme as a fixture."""

import pytest
from plain_world import PlainScheme


@pytest.fixture
def scheme():
    return PlainScheme()

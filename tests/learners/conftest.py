"""Fixtures for tests that train."""

import pytest


@pytest.fixture(scope="module")
def one_thread():
    """Let torch use one thread: on tiny products several are many times slower, as they wait for cores that others use."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)

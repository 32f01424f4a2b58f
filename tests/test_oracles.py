"""Every number of docs/validation.md, computed again."""

import pytest
from oracles.oracle import all_oracles


@pytest.mark.parametrize("oracle", all_oracles(), ids=lambda oracle: f"{oracle.group}: {oracle.name}")
def test_a_published_number_is_met(oracle):
    found = oracle.compute()
    assert oracle.holds(found), f"{found!r} is not within {oracle.tolerance:g} of {oracle.expected!r} ({oracle.source})"

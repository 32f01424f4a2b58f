"""``kill -9``, of the parent and of a worker: what was learned is kept, and the tables come out with the same bytes.

``python -m benchmarks.kills`` does it twenty times.
"""

import json

import numpy as np
import pytest

from benchmarks.kills import Sandbox, disturb
from mecsim.results.reader import open_run

pytestmark = pytest.mark.learning


def test_a_study_that_is_killed_again_and_again_ends_in_the_same_bytes(tmp_path):
    undisturbed = Sandbox(tmp_path / "undisturbed").finish()
    disturbed, generator = Sandbox(tmp_path / "disturbed"), np.random.default_rng(5)
    for whom in ("worker", "parent", "worker"):
        disturb(disturbed, whom, generator.uniform(4.0, 12.0))
    assert disturbed.finish() == undisturbed
    first, last = (
        json.loads((each.run / "manifest.json").read_text()) for each in (Sandbox(tmp_path / "undisturbed"), disturbed)
    )
    n_jobs = first["jobs_run"] + first["jobs_reused"]
    assert first["jobs_reused"] == 0
    assert last["jobs_run"] + last["jobs_reused"] == n_jobs
    # Half of the variants have another bandwidth and nothing else to learn.
    assert [counts["new"] > 0 for counts in first["jobs_by_variant"].values()].count(True) == 2
    assert len(open_run(disturbed.run).frame("summary")) == 16

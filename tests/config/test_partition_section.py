"""The section learning.partition: every kind, its defaults, and what a partition job gets of it."""

import pytest
from pydantic import TypeAdapter, ValidationError

from learners.data.partition import _shared_out
from mecsim.config.partition import Partition

ADAPTER = TypeAdapter(Partition)

KINDS = [
    ({"kind": "iid"}, {"kind": "iid"}),
    ({"kind": "dirichlet", "alpha": 0.5}, {"kind": "dirichlet", "alpha": 0.5, "min_samples": 10}),
    ({"kind": "groups"}, {"kind": "groups", "min_samples": 1, "split": False}),
    ({"kind": "shards"}, {"kind": "shards", "shards_per_client": 2}),
    ({"kind": "quantity", "alpha": 2}, {"kind": "quantity", "alpha": 2.0, "min_samples": 10}),
]


@pytest.mark.parametrize(("written", "resolved"), KINDS, ids=lambda value: value["kind"])
def test_every_kind_has_clients_and_its_options_only(written, resolved):
    section = ADAPTER.validate_python(written)
    assert section.model_dump(exclude={"clients"}) == resolved
    assert section.clients is None
    assert ADAPTER.validate_python({**written, "clients": 7}).clients == 7
    for wrong in ({"clients": 0}, {"client": 7}, {"clients": 7.5}):
        with pytest.raises(ValidationError):
            ADAPTER.validate_python({**written, **wrong})


@pytest.mark.parametrize("resolved", [resolved for _, resolved in KINDS], ids=lambda value: value["kind"])
def test_a_job_understands_what_the_section_says(resolved):
    import numpy as np

    from learners.data.content import Content
    from mecsim.rng import Streams

    labels = np.arange(200) % 4
    data = Content(labels=labels, texts=("x",) * 200, groups=labels)
    parts = _shared_out(data, np.arange(200), resolved, 3, Streams(1))
    assert sorted(np.concatenate(parts)) == list(range(200))


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "dirichlet"},
        {"kind": "dirichlet", "alpha": 0.0},
        {"kind": "dirichlet", "alpha": float("inf")},
        {"kind": "quantity"},
        {"kind": "quantity", "alpha": -1.0},
        {"kind": "quantity", "alpha": 1.0, "min_samples": 0},
        {"kind": "shards", "shards_per_client": 0},
        {"kind": "groups", "split": "yes"},
        {"kind": "groups", "min_samples": 0},
        {"kind": "iid", "alpha": 0.5},
        {"kind": "sorted"},
        {},
    ],
    ids=str,
)
def test_a_mistake_is_never_guessed_away(wrong):
    with pytest.raises(ValidationError):
        ADAPTER.validate_python(wrong)

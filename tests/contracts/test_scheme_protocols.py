"""What every scheme promises the protocols: blends, branches, and losses of devices; or a refusal that says what fits."""

from dataclasses import replace

import numpy as np
import pytest
from scheme_cases import CASES, N_CLIENTS, every_scheme, federated, offer, over, shared_runner, stale

from learners.catalog import SCHEMES
from learners.inline import take_round, take_turns
from mecsim.federation.contract import PROTOCOLS, REPLACE, ROUND_PROTOCOLS, Blend, SchemeError

pytestmark = pytest.mark.learning

BLENDS = {"async": Blend(kind="mix", rate=0.5), "buffered": Blend(kind="deltas", rate=0.8)}
CLIENTS = range(N_CLIENTS)
#: What is executed is tried on a variant of each scheme, as what differs between them is in the names of jobs already.
ONE_OF_EACH = [(name, next(params for other, params in CASES if other == name)) for name in SCHEMES]


@pytest.fixture
def made(name, params):
    """Return a scheme before its first round, its context, and the protocols that it may be run under."""
    return fresh(name, params)


def fresh(name, params):
    scheme, context = federated(shared_runner(), name, params)
    scheme.prepare()
    entry = SCHEMES[name]
    return scheme, context, entry.protocols_of(entry.params.model_validate(params))


def turns(scheme, context, clients=CLIENTS, number=1):
    return take_turns(scheme, context, number, clients)


@every_scheme
def test_protocols_are_known_and_rounds_always_fit(made):
    assert ROUND_PROTOCOLS <= made[2] <= frozenset(PROTOCOLS)


@every_scheme
def test_the_base_of_a_training_is_the_state_that_was_sent(made):
    scheme, context, protocols = made
    take_round(scheme, context, 1, CLIENTS)
    announced = offer(scheme, context, number=2)
    if "buffered" in protocols:
        assert announced.base.name in [payload.name for payload in announced.needs]
        assert announced.job.kind != "train" or announced.job.inputs[0] == announced.base


@every_scheme
@pytest.mark.parametrize("protocol", BLENDS)
def test_a_blend_enters_the_state_or_is_refused_with_what_fits(made, protocol):
    scheme, context, protocols = made
    updates, before = turns(scheme, context), scheme.quality()
    if protocol in protocols:
        scheme.merge(updates, BLENDS[protocol])
        assert scheme.quality() != before
    else:
        with pytest.raises(SchemeError) as refusal:
            scheme.merge(updates, BLENDS[protocol])
        assert all(each in str(refusal.value) for each in protocols)
        assert scheme.quality() == before


@every_scheme
def test_replacing_is_what_is_done_where_nothing_is_said_and_what_mixing_everything_in_is(name, params):
    def after(*blend):
        scheme, context, protocols = fresh(name, params)
        scheme.alongside(1)
        if updates := turns(scheme, context):
            scheme.merge(updates, *(blend if "async" in protocols else ()))
        return scheme.quality()

    assert after() == after(REPLACE) == after(Blend(kind="mix", rate=1.0))


@every_scheme
@pytest.mark.parametrize("protocol", BLENDS)
def test_rates_and_weights_matter_and_the_order_of_updates_does_not(name, params, protocol):
    def after(blend, weights=(1.0, 1.0, 1.0), order=CLIENTS):
        scheme, context, _ = fresh(name, params)
        updates = turns(scheme, context)
        weighted = [replace(updates[client], weight=weights[client]) for client in order]
        scheme.merge(weighted, blend)
        return scheme.quality()

    blend = BLENDS[protocol]
    if protocol not in fresh(name, params)[2]:
        return
    assert after(blend) == after(blend, order=(2, 0, 1))
    assert after(blend) != after(replace(blend, rate=0.25))
    if name != "synthetic":  # fresh updates are all worth the same there, whatever a mean weighs them by
        assert after(blend) != after(blend, weights=(1.0, 0.5, 1.0))


@every_scheme
def test_a_branch_goes_its_own_way_or_is_refused_with_what_fits(made):
    scheme, context, protocols = made
    if "hierarchical" not in protocols:
        with pytest.raises(SchemeError) as refusal:
            scheme.branch()
        assert all(each in str(refusal.value) for each in protocols)
        return
    before, first = scheme.exchange(), offer(scheme, context)
    one, other = scheme.branch(), scheme.branch()
    assert offer(one, context) == offer(other, context) == first
    one.merge(turns(one, context, [0]))
    other.merge(turns(other, context, [1, 2]))
    assert len({branch.exchange().name for branch in (scheme, one, other)}) == 3
    assert (scheme.exchange(), offer(scheme, context).base) == (before, first.base)
    assert one.alongside(1).work.flop == 0.0
    scheme.join([(one, 20.0), (other, 40.0)])
    assert scheme.exchange() != before
    assert offer(scheme.branch(), context, number=2) == offer(scheme, context, number=2)


@every_scheme
def test_a_branch_and_the_cloud_exchange_the_state_that_a_device_gets(made):
    scheme, context, protocols = made
    take_round(scheme, context, 1, CLIENTS)
    if "hierarchical" in protocols:
        assert scheme.exchange().kind == "state"
        assert scheme.exchange() in offer(scheme, context, number=2).needs


@every_scheme
def test_a_branch_without_weight_has_no_part(name, params):
    def after(*idle):
        scheme, context, _ = fresh(name, params)
        branch, others = scheme.branch(), [(scheme.branch(), weight) for weight in idle]
        branch.merge(turns(branch, context, [0]))
        scheme.join([*others, (branch, 20.0)])
        return scheme.quality()

    if "hierarchical" in fresh(name, params)[2]:
        assert after(0.0) == after()


def deployed(scheme):
    """Return the numbers of what was averaged last, as one vector."""
    if hasattr(scheme, "progress"):
        return np.array([scheme.progress])
    tensors = shared_runner().demand(getattr(scheme, "tuned", scheme.state)).tensors
    return np.concatenate([tensors[key].ravel() for key in sorted(tensors)])


@over(ONE_OF_EACH)
def test_one_edge_round_weighed_by_samples_is_the_synchronous_round(name, params):
    def joined(*weights):
        scheme, context, _ = fresh(name, params)
        scheme.alongside(1)
        branches = [(scheme.branch(), weight, clients) for weight, clients in zip(weights, ([0], [1, 2]), strict=True)]
        for branch, _, clients in branches:
            branch.merge(turns(branch, context, clients))
        scheme.join([(branch, weight) for branch, weight, _ in branches])
        return deployed(scheme)

    together, context, protocols = fresh(name, params)
    if "hierarchical" not in protocols:
        return
    take_round(together, context, 1, CLIENTS)
    own, *others = context.client_samples
    np.testing.assert_allclose(joined(own, sum(others)), deployed(together), rtol=1e-5, atol=1e-6)
    if name != "synthetic":  # progress adds up whatever the weights
        assert np.abs(joined(1.0, 1.0) - deployed(together)).max() > 1e-5  # so the other would have been seen


@over(ONE_OF_EACH)
@pytest.mark.parametrize("protocol", BLENDS)
def test_what_was_begun_before_a_merge_can_be_merged_behind_it(made, protocol):
    scheme, context, protocols = made
    if protocol not in protocols:
        return
    first, second = turns(scheme, context, [0]), turns(scheme, context, [1])
    scheme.merge(first, BLENDS[protocol])
    scheme.merge(stale(second, staleness=1, weight=0.5**0.5), BLENDS[protocol])
    numbers = shared_runner().demand(scheme.quality()).numbers
    assert 0.0 <= numbers["accuracy"] <= 1.0
    assert np.isfinite(numbers["loss"])


@every_scheme
def test_the_loss_of_a_device_is_that_of_the_state_on_its_own_samples(name, made):
    scheme, context, _ = made
    asked = [scheme.client_loss(client) for client in CLIENTS]
    if asked[0] is None:
        assert asked == [None] * N_CLIENTS
        return
    told = [shared_runner().demand(each).numbers for each in asked]
    if SCHEMES[name].learns:
        assert [numbers["n_samples"] for numbers in told] == list(context.client_samples)
    losses = [numbers["loss"] for numbers in told]
    assert len(set(losses)) == N_CLIENTS
    assert min(losses) > 0.0
    before = scheme.quality()
    take_round(scheme, context, 1, CLIENTS)
    assert (scheme.client_loss(0) == asked[0]) == (scheme.quality() == before)

"""The proxy, the mixture and the distillation: what they compute, on scores by hand and on real federations."""

import json
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from small_federations import QUALITY, after, distances_to_teacher, federated, said_by, same

from learners import proxy_tuning
from learners.inline import InlineRunner
from learners.proxy_scores import (
    Answers,
    LogitsOnly,
    centred,
    distil_loss,
    mixture_scores,
    proxy_scores,
    spread,
    teacher_scores,
)
from learners.schemes import fedpt, mixture
from learners.schemes.parts import evaluate_job
from mecsim.errors import JobError
from mecsim.federation.contract import Update

pytestmark = pytest.mark.learning

SMALL = {"small": "tiny-vit-s"}
NONE = {"distillation": {"kind": "none"}}


@pytest.fixture(scope="module")
def runner():
    return InlineRunner()


def scores(*rows):
    return torch.tensor(rows, dtype=torch.float32)


# Scores by hand.


def test_the_proxy_adds_what_the_small_model_learnt():
    answers = Answers(scores([1, 2, 3]), scores([5, 0, 1]), scores([4, 1, 1]))
    assert proxy_scores(answers, 1.0).tolist() == [[2, 1, 3]]
    assert proxy_scores(answers, 0.5).tolist() == [[1.5, 1.5, 3]]
    # As probabilities: p_large * (p_small / p_start)^alpha, made to add up to one.
    large, small, start = (F.softmax(part.double(), 1) for part in answers)
    wanted = large * (small / start) ** 0.5
    assert F.softmax(proxy_scores(answers, 0.5).double(), 1).allclose(wanted / wanted.sum())


def test_the_mixture_is_one_of_probabilities():
    large, small = torch.randn(6, 5), 3 * torch.randn(6, 5)
    wanted = 0.3 * F.softmax(large, 1) + 0.7 * F.softmax(small, 1)
    assert mixture_scores(large, small, 0.3).exp().allclose(wanted, atol=1e-6)
    assert mixture_scores(large, small, 1.0).equal(large)
    assert mixture_scores(large, small, 0.0).equal(small)


def test_the_toy_of_the_stability_warning():
    # Scores (v, -v): L = 2, S0 = 1, and a student that learns everything. Each round adds L - S0 = 1.
    def rounds(max_drift, student=1.3, n_rounds=4):
        met = []
        for _ in range(n_rounds):
            answers = Answers(scores([2, -2]), scores([student, -student]), scores([1, -1]))
            student = teacher_scores(answers, 1.0, max_drift)[0, 0].item()
            met.append(student)
        return met

    assert rounds(None) == pytest.approx([2.3, 3.3, 4.3, 5.3])
    assert rounds(0.25) == pytest.approx([1.5, 1.5, 1.5, 1.5])  # S0 + 0.25 * L
    assert rounds(1.0) == pytest.approx([2.3, 3.0, 3.0, 3.0])


def test_the_bounded_teacher_keeps_what_is_near_and_its_direction():
    answers = Answers(*(4 * torch.randn(50, 7) for _ in range(3)))
    proxy = proxy_scores(answers, 0.7)
    far = teacher_scores(answers, 0.7, 0.1)
    assert spread(far - answers.start).allclose(0.1 * spread(answers.large), rtol=1e-4)
    ways = centred(proxy - answers.start), centred(far - answers.start)
    assert F.cosine_similarity(*ways).allclose(torch.ones(50))
    near = teacher_scores(answers, 0.7, 1e3)
    assert centred(near).allclose(centred(proxy), atol=1e-5)
    assert teacher_scores(answers, 0.7, None).equal(proxy)
    still = Answers(answers.start, answers.start, answers.start)
    assert centred(teacher_scores(still, 1.0, 0.25)).allclose(centred(answers.start), atol=1e-6)


def test_the_loss_of_distillation_by_hand():
    student, teacher, targets = scores([0.0, 1.0], [2.0, 0.0]), scores([1.0, 0.0], [0.0, 0.0]), torch.tensor([1, 0])
    wanted = F.softmax(teacher / 2, 1)
    divergence = 4 * (wanted * (wanted.log() - F.log_softmax(student / 2, 1))).sum(1).mean()
    cross_entropy = F.cross_entropy(student, targets)
    assert distil_loss(student, teacher, targets, 2.0, 0.0).item() == pytest.approx(divergence.item(), rel=1e-5)
    assert distil_loss(student, teacher, targets, 2.0, 1.0).item() == pytest.approx(cross_entropy.item(), rel=1e-6)
    both = 0.75 * divergence + 0.25 * cross_entropy
    assert distil_loss(student, teacher, targets, 2.0, 0.25).item() == pytest.approx(both.item(), rel=1e-5)
    assert distil_loss(teacher + 3, teacher, targets, 2.0, 0.0).item() == pytest.approx(0.0, abs=1e-6)


# Identities of real federations.


def test_before_the_first_round_the_proxy_is_the_large_model(runner):
    scheme, context, numbers = after(runner, fedpt.ENTRY, SMALL, n_rounds=0)
    large = runner.demand(evaluate_job(scheme.large, scheme.large_state, context)).numbers
    assert same(numbers, large)
    assert same(numbers, large, prefix="large_")
    assert numbers["drift"] == 0.0
    assert numbers["n_samples"] == large["n_samples"] == context.n_test
    _, _, tuned = after(runner, fedpt.ENTRY, {**SMALL, "proxy_alpha": "tuned"}, n_rounds=0)
    assert tuned["alpha"] == 1.0  # all are alike: the one nearest 1
    assert same(tuned, large)


def test_with_an_alpha_of_zero_the_proxy_is_the_large_model(runner):
    scheme, context, numbers = after(runner, fedpt.ENTRY, {**SMALL, **NONE, "proxy_alpha": 0.0})
    assert same(numbers, runner.demand(evaluate_job(scheme.large, scheme.large_state, context)).numbers)
    assert numbers["drift"] > 0.0


def test_the_parts_are_what_plain_evaluations_say(runner):
    scheme, context, numbers = after(runner, fedpt.ENTRY, SMALL, n_rounds=2)
    small = runner.demand(evaluate_job(scheme.part, scheme.tuned, context)).numbers
    assert same(numbers, small, prefix="small_")
    assert not same(numbers, small)
    assert 0.0 <= numbers["both_wrong"] <= 1.0 - numbers["small_accuracy"]
    assert numbers["agreement"] <= 1.0


@pytest.mark.parametrize(("weight", "prefix"), [(1.0, "large_"), (0.0, "small_")])
def test_a_mixture_of_one_is_that_one(runner, weight, prefix):
    _, _, numbers = after(runner, mixture.ENTRY, {**SMALL, "weight": weight})
    assert same(numbers, {name: numbers[f"{prefix}{name}"] for name in QUALITY})


def test_the_mixture_is_also_a_baseline_of_fedpt_and_the_other_way_round(runner):
    _, _, of_fedpt = after(runner, fedpt.ENTRY, {**SMALL, **NONE}, n_rounds=2)
    _, _, of_mixture = after(runner, mixture.ENTRY, SMALL, n_rounds=2)
    assert same(of_fedpt, of_mixture, prefix="mixture_")
    assert same(of_mixture, of_fedpt, prefix="proxy_")
    assert of_fedpt.keys() - of_mixture.keys() == {"mixture_accuracy", "mixture_loss"}


def test_over_its_own_start_the_proxy_is_the_tuned_small_model(runner):
    # L = S0, so z = z_S; both are the same specification, and one must not change the other's weights.
    params = {**SMALL, **NONE, "method": "head"}
    scheme, context, numbers = after(runner, fedpt.ENTRY, params, model="tiny-vit-s", n_rounds=2)
    start = runner.demand(evaluate_job(scheme.part, scheme.start, context)).numbers
    assert same(numbers, start, prefix="large_")
    assert numbers["accuracy"] == numbers["small_accuracy"]
    assert numbers["loss"] == pytest.approx(numbers["small_loss"], rel=1e-5)
    assert numbers["small_loss"] != start["loss"]


def test_the_tuned_alpha_has_the_lowest_loss_of_the_grid(runner):
    scheme, _, numbers = after(runner, fedpt.ENTRY, {**SMALL, **NONE, "proxy_alpha": "tuned"}, n_rounds=2)
    chosen = runner.demand(scheme.quality().inputs[4]).numbers
    options = {"deployed": "proxy", "weight": 0.5}
    validated = {
        alpha: runner.demand(scheme.together_job("proxy_evaluate", "public_validation", alpha=alpha, **options)).numbers["loss"]
        for alpha in proxy_tuning.ALPHAS
    }
    assert chosen["losses"] == list(validated.values())
    assert chosen["alpha"] == numbers["alpha"] == min(validated, key=validated.get)
    plain = runner.demand(scheme.together_job("proxy_evaluate", "test", alpha=1.0, **options)).numbers
    assert same(numbers, plain, prefix="alpha_1_")
    assert proxy_tuning.ALPHAS == (0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0)


def test_a_model_behind_its_answers_shows_nothing_else():
    model = torch.nn.Linear(2, 2)
    asked = LogitsOnly(model)
    assert [name for name in dir(asked) if not name.startswith("_")] == []
    assert not hasattr(asked, "__dict__")
    assert not model.training


# Distillation.


@pytest.mark.parametrize("kind", ["bounded", "full"])
def test_distillation_moves_the_small_model_towards_its_teacher(runner, kind):
    scheme, _, _ = after(runner, fedpt.ENTRY, {**SMALL, "distillation": {"kind": kind}})
    numbers = runner.demand(scheme.state).numbers
    assert json.loads(scheme.state.params)["max_drift"] == (0.25 if kind == "bounded" else None)
    assert (numbers["n_steps"], numbers["n_samples"]) == {"bounded": (10, 134 + 16), "full": (45, 5 * 134)}[kind]
    before, now = distances_to_teacher(runner, scheme)
    assert now < (0.8 if kind == "bounded" else 0.5) * before
    assert numbers["last_loss"] < numbers["first_loss"]


def test_labels_alone_need_no_teacher(runner):
    scheme, _, _ = after(runner, fedpt.ENTRY, {**SMALL, "distillation": {"kind": "full", "labels_weight": 1.0}})
    answers, batch = said_by(runner, scheme, scheme.tuned)
    distilled, _ = said_by(runner, scheme, scheme.state)
    assert F.cross_entropy(distilled.small, batch.targets) < 0.5 * F.cross_entropy(answers.small, batch.targets)


def test_distillation_is_a_function_of_its_job(runner):
    scheme, _, _ = after(runner, fedpt.ENTRY, {**SMALL, "method": "prompt", "dropout": 0.5})
    one, other = runner.demand(scheme.state), InlineRunner().demand(scheme.state)
    assert one.numbers == other.numbers
    assert all(value.tobytes() == other.tensors[name].tobytes() for name, value in one.tensors.items())
    assert one.tensors.keys() == runner.demand(scheme.tuned).tensors.keys()


def test_full_distillation_runs_away_and_bounded_does_not(runner):
    def drifts(settings):
        """Return the drift after each of four rounds of devices that do nothing."""
        scheme, _ = federated(runner, fedpt.ENTRY, {**SMALL, "distillation": settings})
        met = []
        for _ in range(4):
            scheme.merge([Update(client=0, n_samples=1, job=scheme.state)])
            answers, _ = said_by(runner, scheme, scheme.state)
            met.append(spread(answers.small - answers.start).square().mean().sqrt().item())
        return met, 0.25 * spread(answers.large).square().mean().sqrt().item()

    full, limit = drifts({"kind": "full", "epochs": 5})
    bounded, _ = drifts({"kind": "bounded", "steps": 45})  # as many steps
    assert all(later > before for before, later in pairwise(full))
    assert full[-1] > 2.5 * full[0]
    assert full[-1] > 4 * limit
    assert all(drift < limit for drift in bounded)


def test_a_diverged_distillation_says_the_way_out(runner):
    scheme, _ = federated(runner, fedpt.ENTRY, {**SMALL, "distillation": {"kind": "bounded", "learning_rate": 1e30}})
    scheme.merge([Update(client=0, n_samples=1, job=scheme.state)])
    with pytest.raises(JobError, match=r"distillation diverged: lower its learning_rate \(1e\+30\)"):
        runner.demand(scheme.state)


def test_a_teacher_that_needs_too_much_memory_is_refused(runner, monkeypatch):
    scheme, _ = federated(runner, fedpt.ENTRY, {**SMALL, "distillation": {"kind": "bounded", "steps": 7}})
    scheme.merge([Update(client=0, n_samples=1, job=scheme.state)])
    monkeypatch.setattr(proxy_tuning, "MOST_TEACHER_BYTES", 1000)
    with pytest.raises(JobError, match=r"scores of 112 samples need more than .* lower distillation.steps"):
        runner.demand(scheme.state)

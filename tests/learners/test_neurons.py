import math

import pytest
from tiny_families import FAMILIES_MADE, TinyBatch, inputs, make

from learners.models.families import FAMILIES
from mecsim.errors import JobError

pytestmark = pytest.mark.learning

families = pytest.mark.parametrize("family", FAMILIES_MADE)
LAYERS = [1, 2]


def narrowed(family):
    """Return a tiny model with 6 of 24 neurons in its middle blocks."""
    from learners.compress.apply import compress

    return compress(make(family), {"kind": "narrow", "keep": 0.25, "retained": [0, -1]})


@families
def test_alignment_moves_the_chosen_neurons_and_not_a_bit_more(family):
    import torch

    from learners.distil import AdamW, distil, ffn_parameters
    from learners.models.anatomy import ffn_slots
    from learners.neurons import changed_parameters, entry_masks

    student, teacher = narrowed(family), make(family)
    chosen = {
        1: torch.tensor([True, False, True, False, False, True]),
        2: torch.tensor([False, True, False, True, True, False]),
    }
    masks = entry_masks(student, chosen)
    before = {name: value.detach().clone() for name, value in student.named_parameters()}
    distil(
        student,
        teacher,
        lambda generator: TinyBatch(inputs(family, seed=int(torch.randint(99, (1,), generator=generator))), torch.zeros(3)),
        layers=LAYERS,
        trainable=[value for _, value in ffn_parameters(student, LAYERS)],
        optimizer=AdamW(learning_rate=0.01, weight_decay=0.1),
        n_steps=10,
        generator=torch.Generator().manual_seed(5),
        masks=masks,
    )
    n_moved, slots = 0, [slot for layer in LAYERS for slot in ffn_slots(student, layer)]
    moved = {name for name, value in student.named_parameters() if (value != before[name]).any()}
    assert moved == {slot.name for slot in slots}
    for slot in slots:
        same = slot.parameter == before[slot.name]
        n_moved += int((~same).sum())
        if slot.axis is not None:
            layer = int(slot.name.removeprefix(FAMILIES[family].blocks + ".").partition(".")[0])
            assert same.movedim(slot.axis, 0)[~chosen[layer]].all()
            assert not same.movedim(slot.axis, 0)[chosen[layer]].all()
    counted = changed_parameters(student, LAYERS, 0.5)
    assert counted - 12 <= n_moved <= counted  # some number may come back to its own bits


@families
@pytest.mark.parametrize("proportion", [0.0, 0.3, 0.5, 0.8, 1.0])
def test_changed_parameters_are_those_of_the_masks(family, proportion):
    import torch

    from learners.models.anatomy import ffn_slots
    from learners.neurons import changed_parameters, entry_masks, neuron_masks

    student = narrowed(family)
    counts = {layer: torch.arange(6) for layer in LAYERS}
    masks = entry_masks(student, neuron_masks(student, LAYERS, counts, 10, proportion, torch.Generator().manual_seed(0)))
    measured = sum(
        int(masks.get(slot.parameter, torch.tensor(True)).expand_as(slot.parameter).sum())
        for layer in LAYERS
        for slot in ffn_slots(student, layer)
    )
    assert changed_parameters(student, LAYERS, proportion) == measured


def test_bert_bases_alignment_has_the_published_size():
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    from learners.compress.apply import compress
    from learners.distil import ffn_parameters
    from learners.neurons import changed_parameters

    with torch.device("meta"):
        student = compress(BertForSequenceClassification(BertConfig()), {"kind": "narrow", "keep": 0.25, "retained": [0, 11]})
    assert changed_parameters(student, range(1, 11), 0.5) == 10 * (384 * (2 * 768 + 1) + 768 + 1536) == 5_925_120
    assert sum(value.numel() for _, value in ffn_parameters(student, range(1, 11))) == 11_827_200


def test_the_most_used_neurons_stay_and_ties_are_shuffled():
    import torch

    from learners.neurons import neuron_masks

    student = narrowed("vit")

    def masks(counts, proportion, seed=0, total=10):
        return neuron_masks(student, [1], {1: torch.tensor(counts)}, total, proportion, torch.Generator().manual_seed(seed))[1]

    assert masks([9, 0, 5, 7, 1, 3], 0.5).tolist() == [True, False, True, True, False, False]
    assert masks([9, 0, 5, 7, 1, 3], 0.5, total={1: 99}).tolist() == [True, False, True, True, False, False]
    assert masks([9, 0, 5, 7, 1, 3], 0.9).sum() == 6  # floor(6 * 0.1) = 0 stay
    assert masks([9, 0, 5, 7, 1, 3], 0.1).sum() == 1  # floor(6 * 0.9) = 5 stay
    tied = torch.stack([masks([0, 0, 0, 0, 0, 4], 0.5, seed) for seed in range(200)])
    assert (tied.sum(dim=1) == 3).all()
    assert tied[:, 5].all()
    assert (tied[:, :5].float().mean(dim=0) - 0.4).abs().max() < 0.15  # 2 of the 5 tied; 4 standard deviations
    assert torch.equal(masks([0] * 6, 0.5, seed=7), masks([0] * 6, 0.5, seed=7))


def test_counts_of_another_model_are_refused():
    import torch

    from learners.neurons import n_updated, neuron_masks

    student = narrowed("vit")
    with pytest.raises(JobError, match="6 neurons of block 1"):
        neuron_masks(student, [1], {1: torch.zeros(24)}, 10, 0.5, torch.Generator())
    with pytest.raises(JobError, match="\\[0, 1\\]"):
        n_updated(6, 1.5)
    assert n_updated(10, 0.9) == 10 - math.floor(1)  # 10 * (1 - 0.9) is 0.9999999999999998 in binary
    assert n_updated(768, 0.3) == 768 - math.floor(537.6)

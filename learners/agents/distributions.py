"""Choosing actions under masks, for all devices and branches at once."""

from collections.abc import Sequence

import torch
from torch import Tensor


class Choices:
    """Independent categorical choices of shape (b, n, size), one tensor a branch; masked actions have probability 0.

    The first branch is a gate (0 no, 1 yes) for the others of the same device, if there are others: where it says no, what they
    say has no effect, so that they count neither for the probability of an action nor, times the probability of "yes", for the
    entropy. The probability of what happens is then exact, and devices that are not asked add no noise to the gradient.
    """

    def __init__(self, logits: Sequence[Tensor], mask: Tensor) -> None:
        masks = mask.reshape(*logits[0].shape[:2], -1).split([branch.shape[2] for branch in logits], dim=2)
        lowest = torch.finfo(torch.float32).min / 4.0
        masked = [branch.masked_fill(~allowed, lowest) for branch, allowed in zip(logits, masks, strict=True)]
        self._log_p = [torch.log_softmax(branch, dim=2) for branch in masked]
        self._allowed = masks

    def draw(self, *, greedy: bool) -> Tensor:
        """Return (b, n * branches) actions, device by device: the likeliest, or drawn."""
        return torch.stack([self._draw_one(place, greedy) for place in range(len(self._log_p))], dim=2).flatten(1)

    def log_probability(self, actions: Tensor) -> Tensor:
        """Return the (b,) log-probability of (b, n * branches) actions."""
        table = actions.long().reshape(*self._log_p[0].shape[:2], len(self._log_p))
        by_branch = [log_p.gather(2, table[:, :, [place]]).squeeze(2) for place, log_p in enumerate(self._log_p)]
        total = by_branch[0]
        for log_p in by_branch[1:]:
            total = total + torch.where(table[:, :, 0] == 1, log_p, 0.0)
        return total.sum(dim=1)

    def entropy(self) -> Tensor:
        """Return the (b,) entropy of what happens."""
        by_branch = [-(log_p.exp() * torch.where(log_p > -1e9, log_p, 0.0)).sum(dim=2) for log_p in self._log_p]
        total = by_branch[0]
        for entropy in by_branch[1:]:
            total = total + self._log_p[0][:, :, 1].exp() * entropy
        return total.sum(dim=1)

    def _draw_one(self, place: int, greedy: bool) -> Tensor:
        scores = self._log_p[place]
        if not greedy:
            # The largest of log p + Gumbel noise is a draw from p.
            scores = scores - torch.empty_like(scores).exponential_().log()
        return scores.masked_fill(~self._allowed[place], -torch.inf).argmax(dim=2)

"""The cost of a round, of which a trial's objective is the sum: error, time and energy, weighed by the scenario."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """Weights and units; the names of the weights are those of the scenario's section ``objective``.

    A form that is common for trade-offs of learning, delay and energy; FedPEAT's own formula is not public.
    """

    quality: float = 1.0
    time: float = 1.0
    energy: float = 1.0
    time_scale_s: float = 60.0
    energy_scale_j: float = 1000.0

    def cost(self, accuracy: float, seconds: float, joules: float) -> float:
        """Return the cost of a round that took ``seconds`` and ``joules`` of the devices, with ``accuracy`` after it.

        quality x (1 - accuracy) + time x seconds / time_scale_s + energy x joules / energy_scale_j.
        """
        return (
            self.quality * (1.0 - accuracy)
            + self.time * seconds / self.time_scale_s
            + self.energy * joules / self.energy_scale_j
        )

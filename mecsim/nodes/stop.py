"""Why a turn ends before it is done."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stop:
    """The outcome that the turn gets, and the reason that its record gives. Also the cause of SimPy interrupts."""

    outcome: str
    reason: str


class StoppedError(Exception):
    """Something in the world ended what a device was doing; a turn turns it into its outcome."""

    def __init__(self, stop: Stop) -> None:
        self.stop = stop
        super().__init__(f"{stop.outcome}: {stop.reason}")


def lost(reason: str) -> StoppedError:
    """Return the error of a turn that is lost."""
    return StoppedError(Stop("lost", reason))

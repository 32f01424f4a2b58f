"""The joules that a turn took from its device."""

from mecsim.federation.turn import Turn
from mecsim.nodes.compute import idle_energy_j
from mecsim.nodes.world import World


def device_j(world: World, turn: Turn) -> float:
    """Return computing, radio in all its states, and idling for as long as the turn took.

    The tail is what has been charged of it so far: all of it once the device connects again, or the radios are settled.
    """
    radio_j = turn.radio.promotion_j + turn.radio.setup_j + turn.radio.tail_j
    radio_j += sum(record.energy_j for _, record in turn.transfers)
    idle_j = idle_energy_j(turn.end_s - turn.start_s, world.fleet.profile(turn.device))
    return turn.compute_energy_j + radio_j + idle_j

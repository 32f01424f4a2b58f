"""Which devices take part in a round."""

from mecsim.rng import Streams


def uniform(streams: Streams, *, round_number: int, n_devices: int, n_selected: int) -> tuple[int, ...]:
    """Draw ``n_selected`` of ``n_devices`` without replacement; the draw depends on the seed and the round alone.

    So a sweep over the network keeps its participants, and all schemes meet the same ones.
    """
    draw = streams.get("selection", round_number).choice(n_devices, size=n_selected, replace=False)
    return tuple(int(device) for device in draw)

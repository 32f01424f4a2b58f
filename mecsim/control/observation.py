"""What a control policy may look at before a round: columns of numbers as they are now, and none of the future."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Devices = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The server's view before it asks; n devices are looked at, and the scheme's knob has c choices (1 where it has none).

    Columns have a row a device; those of shape (n, c) a column a choice. Expectations are those of a device alone in its cell
    that stays where it is, and are infinite where a turn could not end.
    """

    round_number: int
    """From 1 on."""
    n_rounds: int
    now_s: float
    round_s: float
    """How long the last round took; 0 before the first."""
    n_asked: int
    """As many devices may be asked at most."""
    choices: tuple[float, ...]
    default: int
    """The place of the scheme's own choice among ``choices``."""
    renews: bool
    """Whether the server makes anew what a choice stands for, so that ``Settings.renew`` matters."""
    accuracy: float
    """Of what would be deployed now, from 0 to 1; not a number unless the policy ``asks_quality``."""

    devices: Devices
    """(n,) numbers in the fleet, ascending."""
    available: Bools
    """(n,) who can be asked now."""
    n_samples: Floats
    """(n,)"""
    distance_m: Floats
    """(n,) to the serving station."""
    downlink_bps: Floats
    """(n,) alone in the cell; 0 out of coverage."""
    uplink_bps: Floats
    """(n,)"""
    memory_bytes: Floats
    """(n,) what training may take."""
    speed_flops: Floats
    """(n,) floating-point operations a second that a device keeps up."""
    battery_share: Floats
    """(n,) from 0 to 1, 1 on mains."""
    n_updates: Floats
    """(n,) updates that came back from the device so far."""
    rounds_since: Floats
    """(n,) rounds since the last of them; ``round_number`` where there is none."""
    overlap: Floats
    """(n,) from 0 to 1, how much like the fleet's a device's mix of classes is; not a number without classes."""
    novelty: Floats
    """(n,) from 0 to 1, what share of its samples is of classes that were merged too little lately; as ``overlap``."""

    feasible: Bools
    """(n, c) available, in coverage, has samples, and memory, storage and charge allow it: the turn would not be refused."""
    compute_s: Floats
    """(n, c)"""
    download_bytes: Floats
    """(n, c) what the device lacks of the newest version, and of the state."""
    kept_download_bytes: Floats
    """(n, c) the same if it does not renew; equal to ``download_bytes`` where it holds no version."""
    upload_bytes: Floats
    """(n, c)"""
    expected_s: Floats
    """(n, c) of a turn that renews; infinite where not feasible."""
    expected_j: Floats
    """(n, c) from the device."""
    age: Floats
    """(n, c) by how many versions what the device holds of a choice is behind; not a number where it holds none."""

    @property
    def n(self) -> int:
        """The number of devices looked at."""
        return len(self.devices)

    @property
    def n_choices(self) -> int:
        """The number of choices."""
        return len(self.choices)

"""One device's radio link while it has something to carry: it moves, fades, breaks, and is handed over."""

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mecsim.nodes.channel import Reception
from mecsim.radio.handover import A3Monitor

if TYPE_CHECKING:
    from mecsim.nodes.radio_network import RadioNetwork

Floats = NDArray[np.float64]

# What takes the place of the margin of a cell that is too far away to be looked at.
_FAR_DB = -1e6


class LinkState(NamedTuple):
    """A device's link at one moment; rates are those of the device alone in its cell, 0 = no coverage."""

    cell: int
    station: int
    distance_m: float
    line_of_sight: bool
    downlink_sinr_db: float
    uplink_sinr_db: float
    downlink_rate_bps: float
    uplink_rate_bps: float
    uplink_gain: float | None = None  # of block fading, which is in the rates and not in the SINRs

    def rate_bps(self, direction: str) -> float:
        """Return the rate of a direction."""
        return self.downlink_rate_bps if direction == "downlink" else self.uplink_rate_bps


class Attachment:
    """The serving cell and the link to it, as they develop from the moment of attaching on; time only moves forward.

    The path is sampled every few metres, and when a station near it fails or works again. Received powers are taken to be
    linear in time between two samples, so that the time of a handover is exact on the sampled path; rates hold from one sample
    to the next. A cell that is down is no neighbour; one that goes down is left at once, if another one works. The device's
    power is that which was set when the attachment began, or was last told to send anew.
    """

    def __init__(self, radio: "RadioNetwork", device: int, now_s: float) -> None:
        self.radio, self.device = radio, device
        self.power_db = radio.settings.power_db(device)
        self._monitor = A3Monitor(radio.handover.event)
        self._here_s, self._here = now_s, radio.reception(device, now_s)
        self.cell = self._best()
        self._due: tuple[float, int] | None = None
        self._look_ahead()
        self._known: tuple[float, int] = (-math.inf, 0)
        self.link = LinkState(self.cell, radio.station_of(self.cell), math.nan, False, -math.inf, -math.inf, 0.0, 0.0)
        self.refresh(now_s)

    @property
    def reception(self) -> Reception:
        """What the device received at the last sample."""
        return self._here

    def send_anew(self) -> None:
        """Take the power that is set now: a transfer begins. The link has to be brought up to now after it."""
        power_db = self.radio.settings.power_db(self.device)
        if power_db != self.power_db:
            self.power_db, self._known = power_db, (-math.inf, 0)

    def next_change_s(self, now_s: float) -> float:
        """Return when the link may change next, always after ``now_s`` once it is up to it; inf where it never does."""
        handover_s = self._due[0] if self._due is not None else math.inf
        return min(handover_s, self._next_s, self.radio.next_change_s(self.device, now_s))

    def advance(self, now_s: float) -> int:
        """Bring the link up to ``now_s``; return how often the device changed its cell on the way."""
        n_handovers = 0
        while True:
            handover_s = self._due[0] if self._due is not None else math.inf
            if min(handover_s, self._next_s) > now_s:
                break
            if self._due is not None and handover_s <= self._next_s:
                n_handovers += self._hand_over(handover_s, self._due[1])
            else:
                self._go_to(self._next_s, self._next)
                n_handovers += self._leave_a_dead_cell()
        self.refresh(now_s)
        return n_handovers

    def refresh(self, now_s: float) -> None:
        """Compute the link again where something about it, or what other cells do, may have changed."""
        if now_s < self._known[0] and self.radio.n_changes == self._known[1]:
            return
        self.link = self.radio.link(self.device, self._here, self.cell, now_s, self.power_db)
        self._known = (min(self._next_s, self.radio.next_change_s(self.device, now_s)), self.radio.n_changes)

    def _go_to(self, now_s: float, reception: Reception) -> None:
        self._here_s, self._here = now_s, reception
        self._known = (-math.inf, 0)
        self._look_ahead()

    def _hand_over(self, now_s: float, cell: int) -> bool:
        """Go to ``cell``, unless it is down at this very moment; tell whether it worked."""
        self._monitor.reset()
        self._due = None
        if not self.radio.is_up(cell, now_s):
            return False
        self.cell = cell
        self._go_to(now_s, self.radio.reception(self.device, now_s))
        return True

    def _leave_a_dead_cell(self) -> bool:
        if self.radio.is_up(self.cell, self._here_s):
            return False
        best = self._best()
        return best != self.cell and self._hand_over(self._here_s, best)

    def _best(self) -> int:
        column = self.radio.budget.strongest(self._here, self.radio.up_cells(self._here, self._here_s))
        return int(self._here.cells[0, column[0]])

    def _look_ahead(self) -> None:
        """Find the next sample, and the handover before it if there is one."""
        sample_s = self.radio.next_sample_s(self.device, self._here_s)
        self._due, self._next_s = None, min(sample_s, self.radio.next_station_change_s(self._here, self._here_s))
        goes_on = math.isfinite(self._next_s)
        self._next = self.radio.reception(self.device, self._next_s) if goes_on else self._here
        if self.radio.budget.channel.n_cells == 1:
            return
        # A device at rest may still be waiting for its time-to-trigger, so it is looked at once, that far ahead.
        until_s = self._next_s if goes_on else self._here_s + 2.0 * self.radio.handover.event.time_to_trigger_s + 1.0
        self._due = self._monitor.advance(self._here_s, self._margins_db(self._here), until_s, self._margins_db(self._next))

    def _margins_db(self, reception: Reception) -> Floats:
        """Return by how much each cell is received better than the serving one; up to the next sample, none fails."""
        received_dbm = self.radio.budget.received_dbm(reception)[0]
        cells = reception.cells[0]
        serving = np.flatnonzero(cells == self.cell)
        own_dbm = received_dbm[serving[0]] if len(serving) else received_dbm.min() - 1.0
        is_up = self.radio.up_cells(reception, self._here_s)
        margins_db = np.full(self.radio.budget.channel.n_cells, _FAR_DB)
        margins_db[cells] = received_dbm - own_dbm if is_up is None else np.where(is_up[0], received_dbm - own_dbm, _FAR_DB)
        margins_db[self.cell] = _FAR_DB
        return margins_db

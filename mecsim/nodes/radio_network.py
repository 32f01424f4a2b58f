"""The radio of the simulated world: its cells as shared links, and what each device has of them at a moment."""

import math
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import simpy
from numpy.typing import NDArray

from mecsim.nodes.attachment import Attachment, LinkState
from mecsim.nodes.budget import Activity, LinkBudget, Links
from mecsim.nodes.channel import Reception
from mecsim.nodes.coupling import Coupling
from mecsim.nodes.faults import Faults
from mecsim.nodes.mobility import Mobility
from mecsim.nodes.radio_rules import FadingBlocks, HandoverRules, MeasuredRates
from mecsim.nodes.radio_settings import RadioSettings
from mecsim.nodes.timeline import Timeline, cycle_start_s
from mecsim.radio.fading import block_gain, coherence_time_s
from mecsim.radio.link import Link
from mecsim.radio.planned_link import make_link
from mecsim.rng import Streams

Direction = Literal["downlink", "uplink"]
Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]

# How far a device that rests goes, when it starts, before it is looked at: the stretch before that was a rest.
_FIRST_STEP_M = 0.01
# What is between two looks at a device at least, however fast it is: its time has to go on.
_SHORTEST_S = 1e-3


class Cell:
    """A radio cell: one shared link a direction."""

    def __init__(self, name: str, downlink: Link, uplink: Link) -> None:
        self.name, self.downlink, self.uplink = name, downlink, uplink

    def link(self, direction: Direction) -> Link:
        """Return the link of a direction."""
        return self.downlink if direction == "downlink" else self.uplink


class RadioNetwork:
    """Cells, devices' places, and the links between them now."""

    def __init__(
        self,
        env: simpy.Environment,
        budget: LinkBudget,
        cells: Sequence[Cell],
        mobility: Mobility,
        *,
        handover: HandoverRules,
        activity: Activity,
        coupled: bool = False,
        faults: Faults | None = None,
        stations_fail: bool = False,
        blocks: FadingBlocks | None = None,
        streams: Streams | None = None,
        measured: MeasuredRates | None = None,
        measured_is_shared: bool = False,
    ) -> None:
        self.env, self.budget, self.cells, self.mobility = env, budget, tuple(cells), mobility
        self.handover, self.activity, self.faults = handover, activity, faults
        self.measured, self._measured_is_shared = measured, measured_is_shared
        self._blocks, self._streams, self._stations_fail = blocks, streams, stations_fail
        #: What has been set for single devices.
        self.settings = RadioSettings(
            self.cells, measured=measured is not None, in_cells=measured is None or measured_is_shared
        )
        self._kept: dict[int, tuple[float, Reception]] = {}
        self._private: dict[tuple[int, str], Link] = {}
        self._linked: dict[int, tuple[tuple[float, int, float, int], Reception, LinkState]] = {}
        #: Goes up whenever what the cells do to each other changes.
        self.n_changes = 0
        self._quiet = budget.no_activity()
        if coupled:
            self.activity = budget.no_activity()
        self.is_coupled = coupled
        self._coupling = Coupling(self) if coupled else None

    # What a device has -----------------------------------------------------------------------------------------------

    def reception(self, device: int, now_s: float) -> Reception:
        """Return what a device has of its cells; it is kept for a device that never moves."""
        until_s, kept = self._kept.get(device, (-math.inf, None))
        if kept is None or (until_s != now_s and until_s < math.inf):
            kept = self._receptions(np.array([device], dtype=np.intp), now_s)
            self._keep(device, now_s, kept)
        return kept

    def prefetch(self, devices: Sequence[int], now_s: float) -> None:
        """Work out at once what many devices receive now; asked one by one, they get the same."""
        missing = [device for device in devices if self._kept.get(device, (-math.inf,))[0] < math.inf]
        if len(missing) < 2:
            return
        rows = self._receptions(np.array(missing, dtype=np.intp), now_s)
        for i, device in enumerate(missing):
            part = slice(i, i + 1)
            one = Reception(rows.cells[part], rows.gain_db[part], rows.distance_m[part], rows.line_of_sight[part])
            self._keep(device, now_s, one)

    def _keep(self, device: int, now_s: float, reception: Reception) -> None:
        """Keep a reception: for good where a device never moves, else as that of this moment."""
        at_rest = math.isinf(self.next_sample_s(device, now_s))
        self._kept[device] = (math.inf if at_rest else now_s, reception)

    def links(self, devices: Ints, now_s: float) -> Links:
        """Return the links that idle devices would have to their strongest cells, a row a device."""
        reception = self._receptions(devices, now_s)
        column, powers_db = self.budget.strongest(reception, self.up_cells(reception, now_s)), self.settings.powers_db(devices)
        return self.budget.links(reception, column, self.activity, power_db=powers_db)

    def link(self, device: int, reception: Reception, cell: int, now_s: float, power_db: float = 0.0) -> LinkState:
        """Return a device's link to ``cell`` now; the rate is 0 in an outage. ``power_db`` is added to its largest power."""
        known, as_of = self._linked.get(device), (now_s, self.n_changes, power_db, cell)
        if known is not None and known[0] == as_of and known[1] is reception:
            return known[2]
        found = self._link(device, reception, cell, now_s, self.activity, power_db)
        self._linked[device] = (as_of, reception, found)
        return found

    def idle_link(self, device: int, now_s: float, *, quiet: bool = False) -> LinkState:
        """Return the link that a device would have if it attached now; ``quiet``: and if the other cells were silent."""
        reception = self.reception(device, now_s)
        column = self.budget.strongest(reception, self.up_cells(reception, now_s))
        cell, power_db = int(reception.cells[0, column[0]]), self.settings.power_db(device)
        if quiet and self._coupling is not None:
            return self._link(device, reception, cell, now_s, self._quiet, power_db)
        return self.link(device, reception, cell, now_s, power_db)

    def _link(
        self, device: int, reception: Reception, cell: int, now_s: float, activity: Activity, power_db: float
    ) -> LinkState:
        column = np.flatnonzero(reception.cells[0] == cell)
        if not len(column):
            return LinkState(cell, self.station_of(cell), math.nan, False, -math.inf, -math.inf, 0.0, 0.0)
        gains = self._block_gains(device, cell, bool(reception.line_of_sight[0, column[0]]), now_s)
        row = self.budget.links(reception, column[:1], activity, gains, power_db)
        down_bps, up_bps = float(row.downlink_rate_bps[0]), float(row.uplink_rate_bps[0])
        if self.measured is not None:
            down_bps, up_bps = self.measured.rates(device, now_s)
        if self.is_cut_off(device, cell, now_s):
            down_bps = up_bps = 0.0
        return LinkState(
            cell,
            int(row.station[0]),
            float(row.distance_m[0]),
            bool(row.line_of_sight[0]),
            float(row.downlink_sinr_db[0]),
            float(row.uplink_sinr_db[0]),
            down_bps,
            up_bps,
            None if gains is None else gains[1],
        )

    # When it changes -------------------------------------------------------------------------------------------------

    def next_sample_s(self, device: int, now_s: float) -> float:
        """Return when a device is to be looked at again, always after ``now_s``; inf if it never moves again.

        That is when it has gone some metres, or would have at its present speed. A rest is a stretch of its own.
        """
        speed_mps, every_m = self.mobility.speed_mps(device, now_s), self.handover.sampled_every_m
        if speed_mps > 0.0:
            next_s = min(self.mobility.next_at_distance(device, now_s, every_m), now_s + every_m / speed_mps)
        else:
            next_s = self.mobility.next_at_distance(device, now_s, min(every_m, _FIRST_STEP_M))
        return max(now_s + _SHORTEST_S, next_s)

    def next_change_s(self, device: int, now_s: float) -> float:
        """Return when outages of a device's link, fading or a measured trace change it next."""
        times_s = [math.inf]
        if self.measured is not None:
            times_s.append(self.measured.next_change(device, now_s))
        if self._blocks is not None:
            times_s.append(cycle_start_s(now_s, self._block_s(device, now_s), later=1))
        if self.faults is not None:
            times_s.append(self.faults.link_up(device).next_change(now_s))
        return min(times_s)

    def next_station_change_s(self, reception: Reception, now_s: float) -> float:
        """Return when the first of the stations that a device has fails, or works again."""
        if self.faults is None or not self._stations_fail:
            return math.inf
        return min(self._station_up(int(site)).next_change(now_s) for site in self._sites_of(reception))

    def may_get_a_rate(self, device: int, now_s: float) -> bool:
        """Tell whether a device has a rate both ways, or may get one as something changes that is known to change."""
        link = self.idle_link(device, now_s, quiet=True)
        if link.downlink_rate_bps > 0.0 and link.uplink_rate_bps > 0.0:
            return True
        changes_s = min(self.next_change_s(device, now_s), self.next_station_change_s(self.reception(device, now_s), now_s))
        return math.isfinite(changes_s) or math.isfinite(self.next_sample_s(device, now_s))

    def is_up(self, cell: int, now_s: float) -> bool:
        """Tell whether a cell's station works."""
        return not self._stations_fail or self.faults is None or self._station_up(self.station_of(cell)).at(now_s) > 0.0

    def is_cut_off(self, device: int, cell: int, now_s: float | None = None) -> bool:
        """Tell whether an outage is between a device and a cell, now or at ``now_s``."""
        now_s = float(self.env.now) if now_s is None else now_s
        return not self.is_up(cell, now_s) or (self.faults is not None and self.faults.link_up(device).at(now_s) <= 0.0)

    def up_cells(self, reception: Reception, now_s: float) -> Bools | None:
        """Return which of the cells (n, c) that devices have work; None where all always do."""
        if self.faults is None or not self._stations_fail:
            return None
        is_up = np.zeros(len(self.budget.channel.sites), dtype=np.bool_)
        for site in self._sites_of(reception):
            is_up[site] = self._station_up(int(site)).at(now_s) > 0.0
        return np.asarray(is_up[self.budget.channel.site_of_cell[reception.cells]])

    # What it carries -------------------------------------------------------------------------------------------------

    def shared_link(self, device: int, cell: int, direction: Direction) -> Link:
        """Return the link on which a device's transfer shares: the cell's, or its own where shares were measured."""
        if self.measured is None or self._measured_is_shared:
            return self.cells[cell].link(direction)
        own = self._private.get((device, direction))
        if own is None:
            own = self._private[device, direction] = make_link(self.env, "equal", caps=True)
        return own

    def ride(self, attachment: Attachment, direction: Direction, on_change: Callable[[], None]) -> None:
        """Count a transfer under way among those that hear other cells; ``on_change`` tells it that they changed."""
        if self._coupling is not None:
            self._coupling.ride(attachment, direction, on_change)

    def step_off(self, attachment: Attachment) -> None:
        """Count it no more."""
        if self._coupling is not None:
            self._coupling.step_off(attachment)

    def outage_changed(self) -> None:
        """Say that an outage has begun or ended for a transfer under way."""
        if self._coupling is not None:
            self._coupling.reconsider()

    def station_of(self, cell: int) -> int:
        """Return the number of a cell's station."""
        return int(self.budget.channel.site_of_cell[cell])

    # ------------------------------------------------------------------------------------------------------------------

    def _receptions(self, devices: Ints, now_s: float) -> Reception:
        return self.budget.channel.receive(devices, self.mobility.positions(devices, now_s))

    def _sites_of(self, reception: Reception) -> Ints:
        return np.unique(self.budget.channel.site_of_cell[reception.cells])

    def _station_up(self, site: int) -> Timeline:
        assert self.faults is not None  # noqa: S101 - for the type checker
        return self.faults.station_up(self.budget.channel.sites[site].name)

    def _block_s(self, device: int, now_s: float) -> float:
        assert self._blocks is not None  # noqa: S101 - for the type checker
        speed_mps = max(self.mobility.speed_mps(device, now_s), self._blocks.slowest_mps)
        return max(coherence_time_s(speed_mps, self.budget.carrier.frequency_hz), self._blocks.shortest_s)

    def _block_gains(self, device: int, cell: int, line_of_sight: bool, now_s: float) -> tuple[float, float] | None:
        """Return the gains of downlink and uplink in the block that is under way, from a stream of its own."""
        if self._blocks is None or self._streams is None:
            return None
        length_s = self._block_s(device, now_s)
        number = round(cycle_start_s(now_s, length_s) / length_s)
        k_db = self._blocks.rician_k_db if line_of_sight else None
        draw = self._streams.get("fading", self.cells[cell].name, device, number)
        down = block_gain(draw, diversity_order=self._blocks.diversity, rician_k_db=k_db)
        return down, block_gain(draw, diversity_order=self._blocks.diversity, rician_k_db=k_db)

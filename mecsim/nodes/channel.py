"""From places to received powers: path loss, walls, shadowing and antennas between devices and cells.

Everything here is a function of the place, of a station's name and of a device's number. It depends neither on who asks nor on
the other devices and stations. A device looks at its nearest stations only, so that a city of cells costs no more than a
neighbourhood of them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mecsim.radio.antenna import SectorPattern, off_axis_deg
from mecsim.radio.fields import FieldBank, GaussianField, normal_cdf
from mecsim.radio.layout import displacement
from mecsim.radio.path_loss import PathLossModel
from mecsim.rng import Streams

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]

# Shadowing of one device towards two sites is correlated 0.5 (TR 36.814, Annex A.2.1.1; a default, not checked there): half
# of the variance is common to all sites. The sectors of a site share all of it.
_COMMON = math.sqrt(0.5)

#: Stations that a device looks at, the nearest ones: two rings of a hexagonal layout, as in 3GPP's own calibrations. Of a city
#: of 256 UMa sites, 500 m apart and all sending, the others would take 1.2 to 1.5 dB from the mean SINR and serve 7 % of the
#: devices, from far away and in sight; of UMi sites, 0.8 dB and 1 %.
NEAREST = 19


@dataclass(frozen=True, slots=True, kw_only=True)
class StationSite:
    """A base station's place and radio equipment; the name is what its random fields depend on.

    ``azimuths_deg`` has a direction for each sector, counter-clockwise from the x axis; () is one antenna all around.
    """

    name: str
    x_m: float
    y_m: float
    height_m: float
    tx_power_dbm: float
    antenna_gain_dbi: float = 5.0
    noise_figure_db: float = 5.0
    azimuths_deg: tuple[float, ...] = ()
    downtilt_deg: float = 10.0
    beamforming_db: float = 0.0

    @property
    def n_cells(self) -> int:
        """The number of cells of the station."""
        return max(1, len(self.azimuths_deg))


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminals:
    """The devices' antennas, and the loss of the walls around each device (() where all are outside).

    ``shadowing_db`` is the deviation of each device's shadowing; nan, or () for all, where it is the model's own.
    """

    height_m: float = 1.5
    antenna_gain_dbi: float = 0.0
    wall_loss_db: Floats = field(default_factory=lambda: np.zeros(0))
    shadowing_db: Floats = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True, slots=True)
class Reception:
    """What n devices have of c cells each: numbers of cells, gain of the whole path (antennas less losses), geometry."""

    cells: Ints  # (n, c)
    gain_db: Floats  # (n, c)
    distance_m: Floats  # (n, c), two-dimensional
    line_of_sight: Bools  # (n, c)


class Channel:
    """The paths between all places of the map and all cells. Cells are numbered by station, then by sector."""

    def __init__(
        self,
        sites: Sequence[StationSite],
        model: PathLossModel,
        streams: Streams,
        *,
        frequency_ghz: float,
        terminals: Terminals | None = None,
        wrapped_area_m: tuple[float, float] | None = None,
        shadowing: bool = True,
        pattern: SectorPattern | None = None,
    ) -> None:
        names = [site.name for site in sites]
        if not sites or len(set(names)) < len(names):
            raise ValueError(f"stations need a name each, and there has to be one: {names}")
        if len({len(site.azimuths_deg) for site in sites}) > 1:
            raise ValueError("all stations have as many sectors, or none has any")
        self.sites = tuple(sites)
        self.model = model
        self._frequency_ghz = frequency_ghz
        self._terminals = terminals or Terminals()
        self._wrapped_area_m = wrapped_area_m
        self._pattern = pattern or SectorPattern()
        self._places_m = np.array([[site.x_m, site.y_m] for site in sites])
        self._heights_m = np.array([site.height_m for site in sites])
        self._gains_dbi = np.array([site.antenna_gain_dbi for site in sites]) + self._terminals.antenna_gain_dbi
        self._azimuths_deg = np.array([site.azimuths_deg for site in sites])
        self._downtilts_deg = np.array([site.downtilt_deg for site in sites])
        self._first_cell = np.cumsum([0, *(site.n_cells for site in sites)])
        self.site_of_cell = np.repeat(np.arange(len(sites)), [site.n_cells for site in sites])
        self._state = _bank(streams, "line-of-sight", (), names, model.los_correlation_m)
        self._shadows = _Shadows(streams, names, model) if shadowing else None

    @property
    def n_cells(self) -> int:
        """The number of cells of all stations."""
        return int(self._first_cell[-1])

    def receive(self, devices: Ints, places_m: Floats) -> Reception:
        """Return what the ``devices`` (n) have at ``places_m`` (n, 2) of the cells of their nearest stations."""
        walls_db, sigma_db = self._terminals.wall_loss_db, self._terminals.shadowing_db
        return self._received(
            places_m, walls_db[devices] if len(walls_db) else None, sigma_db[devices] if len(sigma_db) else None
        )

    def receive_outdoors(self, places_m: Floats) -> Reception:
        """Return what anybody in the open has at ``places_m`` (n, 2)."""
        return self._received(places_m, None, None)

    def _received(self, places_m: Floats, walls_db: Floats | None, own_sigma_db: Floats | None) -> Reception:
        if places_m.ndim != 2 or places_m.shape[1] != 2:
            raise ValueError(f"places_m must have the shape (n, 2), got {places_m.shape}")
        offsets_m = self._offsets_m(places_m)
        nearest = _nearest(np.hypot(offsets_m[..., 0], offsets_m[..., 1]))
        offsets_m = np.take_along_axis(offsets_m, nearest[..., np.newaxis], axis=1)
        distance_m = np.hypot(offsets_m[..., 0], offsets_m[..., 1])
        probability = self.model.los_probability(distance_m, self._terminals.height_m)
        line_of_sight = normal_cdf(self._state(nearest, places_m[:, 0], places_m[:, 1])) < probability
        loss_db = self._loss_db(nearest, distance_m, line_of_sight)
        if self._shadows is not None:
            sigma_db = self._sigma_db(nearest, distance_m, line_of_sight)
            if own_sigma_db is not None:
                sigma_db = np.where(np.isnan(own_sigma_db)[:, np.newaxis], sigma_db, own_sigma_db[:, np.newaxis])
            loss_db = loss_db + sigma_db * self._shadows(nearest, places_m, line_of_sight)
        if walls_db is not None:
            loss_db = loss_db + walls_db[:, np.newaxis]
        return self._by_cell(nearest, offsets_m, distance_m, line_of_sight, loss_db)

    def _offsets_m(self, places_m: Floats) -> Floats:
        """Return the way (n, s, 2) from each station to each place, over the edge of the map where that is nearer."""
        offsets_m: Floats = places_m[:, np.newaxis, :] - self._places_m
        if self._wrapped_area_m is None:
            return offsets_m
        x_m, y_m = displacement(offsets_m[..., 0], offsets_m[..., 1], self._wrapped_area_m, wrap=True)
        return np.stack([x_m, y_m], axis=-1)

    def _loss_db(self, nearest: Ints, distance_m: Floats, line_of_sight: Bools) -> Floats:
        loss_db = np.empty_like(distance_m)
        heights_m = self._heights_m[nearest]
        for height_m in np.unique(heights_m):
            here = heights_m == height_m
            place = (distance_m[here], self._frequency_ghz, float(height_m), self._terminals.height_m)
            loss_db[here] = np.where(line_of_sight[here], self.model.los_db(*place), self.model.nlos_db(*place))
        return loss_db

    def _sigma_db(self, nearest: Ints, distance_m: Floats, line_of_sight: Bools) -> Floats:
        heights_m = self._heights_m[nearest]
        sigma_db = np.full(distance_m.shape, self.model.sigma_nlos_db)
        for height_m in np.unique(heights_m):
            seen = (heights_m == height_m) & line_of_sight
            place = (distance_m[seen], self._frequency_ghz, float(height_m), self._terminals.height_m)
            sigma_db[seen] = self.model.sigma_los_db(*place)
        return sigma_db

    def _by_cell(
        self, nearest: Ints, offsets_m: Floats, distance_m: Floats, line_of_sight: Bools, loss_db: Floats
    ) -> Reception:
        """Return the sites' columns as cells' columns: one for each sector, with its antenna."""
        n_sectors = self._azimuths_deg.shape[1]
        site_db = self._gains_dbi[nearest] - loss_db
        if n_sectors == 0:
            return Reception(self._first_cell[nearest], site_db, distance_m, line_of_sight)
        cells = (self._first_cell[nearest][..., np.newaxis] + np.arange(n_sectors)).reshape(len(nearest), -1)
        pattern_db = self._pattern_db(nearest, offsets_m).reshape(len(nearest), -1)
        gain_db = np.repeat(site_db, n_sectors, axis=1) + pattern_db
        return Reception(cells, gain_db, np.repeat(distance_m, n_sectors, axis=1), np.repeat(line_of_sight, n_sectors, axis=1))

    def _pattern_db(self, nearest: Ints, offsets_m: Floats) -> Floats:
        """Return what each sector's antenna loses (n, s, sectors) towards each device."""
        rise_m = self._terminals.height_m - self._heights_m[nearest]
        off_deg, elevation_deg = off_axis_deg(
            offsets_m[..., :1],
            offsets_m[..., 1:],
            rise_m[..., np.newaxis],
            azimuth_deg=self._azimuths_deg[nearest],
            downtilt_deg=self._downtilts_deg[nearest][..., np.newaxis],
        )
        return np.asarray(self._pattern.gain_db(off_deg, elevation_deg))


class _Shadows:
    """Standard normal shadowing: half of its variance common to all stations, half the station's own.

    A field for the state with and one for that without line of sight, as their correlation distances differ.
    """

    def __init__(self, streams: Streams, names: Sequence[str], model: PathLossModel) -> None:
        reaches_m = {"los": model.shadow_correlation_los_m, "nlos": model.shadow_correlation_nlos_m}
        self._own = {
            state: _bank(streams, "shadowing", ("station", state), names, reach_m) for state, reach_m in reaches_m.items()
        }
        self._common = {
            state: GaussianField(streams.get("shadowing", "common", state), reach_m) for state, reach_m in reaches_m.items()
        }

    def __call__(self, nearest: Ints, places_m: Floats, line_of_sight: Bools) -> Floats:
        x_m, y_m = places_m[:, 0], places_m[:, 1]
        shadow = np.empty(nearest.shape)
        for state, here in (("los", line_of_sight), ("nlos", ~line_of_sight)):
            rows = np.nonzero(here)[0]
            own = self._own[state](nearest[here][:, np.newaxis], x_m[rows], y_m[rows])[:, 0]
            shadow[here] = own + self._common[state](x_m, y_m)[rows]
        return _COMMON * shadow


def _bank(streams: Streams, purpose: str, inner: tuple[str, ...], names: Sequence[str], correlation_m: float) -> FieldBank:
    """Return a field for each station; the stream is named purpose, [kind,] station, [state]."""
    keys = [(*inner[:1], name, *inner[1:]) for name in names]
    return FieldBank([streams.get(purpose, *key) for key in keys], correlation_m)


def _nearest(distance_m: Floats) -> Ints:
    """Return the numbers (n, s) of each device's nearest stations in the order of the scenario."""
    n_sites = distance_m.shape[1]
    if n_sites <= NEAREST:
        return np.broadcast_to(np.arange(n_sites), distance_m.shape)
    return np.sort(np.argpartition(distance_m, NEAREST, axis=1)[:, :NEAREST], axis=1)

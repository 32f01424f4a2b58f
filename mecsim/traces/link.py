"""Measured rates as functions of time, which may begin anew whenever they end."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mecsim.traces.link_series import LinkSeries, read_link_series
from mecsim.traces.steps import HELD, OUTAGE, fill_gaps, look_up


@dataclass(frozen=True, slots=True)
class Track:
    """Rates of one device: constant from each of ``starts_s`` to the next, and different from it.

    One pass of the trace is [0, ``duration_s``). Of it, ``held_s`` is the time in which a rate is that of an earlier row, and
    ``outage_s`` that in which one is 0 because nothing is known.
    """

    ue_id: str
    duration_s: float
    starts_s: tuple[float, ...]
    rates_bps: tuple[tuple[float, float], ...]
    held_s: float
    outage_s: float


@dataclass(frozen=True, slots=True)
class LinkTrace:
    """Downlink and uplink rates of devices over time; a device is a row, numbered from 0.

    With ``loop`` a trace begins anew when it ends; else its last values are held for a while, and then there is no link. The
    time t of a study is t + ``shift_s`` of the trace. ``scale`` multiplies every rate.
    """

    tracks: tuple[Track, ...]
    loop: bool = True
    shift_s: float = 0.0
    scale: float = 1.0

    def __post_init__(self) -> None:
        for name, value in (("shift_s", self.shift_s), ("scale", self.scale)):
            if not (math.isfinite(value) and value >= 0.0):
                raise ValueError(f"{name} must not be negative, got {value}")

    def __len__(self) -> int:
        return len(self.tracks)

    @property
    def ue_ids(self) -> tuple[str, ...]:
        """Return the devices' names in the trace, by row."""
        return tuple(track.ue_id for track in self.tracks)

    def duration_s(self, row: int) -> float:
        """Return how long one pass of a row takes."""
        return self.tracks[row].duration_s

    def rates(self, row: int, t_s: float, *, ahead_s: float = 0.0) -> tuple[float, float]:
        """Return the downlink and uplink rate in bit/s at ``t_s`` >= 0; at a step, those after it.

        ``ahead_s`` >= 0 shifts this row further, so that devices that follow one trace need not do so in step.
        """
        track = self.tracks[row]
        _, step = self._place(track, t_s, self.shift_s + ahead_s)
        downlink_bps, uplink_bps = track.rates_bps[step]
        return downlink_bps * self.scale, uplink_bps * self.scale

    def next_change(self, row: int, t_s: float, *, ahead_s: float = 0.0) -> float:
        """Return the first time after ``t_s`` at which a rate changes, inf if none does.

        It is exact to the bit: `rates` at that time, with the same ``ahead_s``, are the new ones.
        """
        track, shift_s = self.tracks[row], self.shift_s + ahead_s
        if len(track.starts_s) == 1:
            return math.inf
        place = self._place(track, t_s, shift_s)
        following = self._following(track, *place)
        # The last step of a pass and the first of the next one may have the same rates.
        while following is not None and track.rates_bps[following[1]] == track.rates_bps[place[1]]:
            following = self._following(track, *following)
        return _start_s(track, following, shift_s) if following is not None else math.inf

    def _place(self, track: Track, t_s: float, shift_s: float) -> tuple[int, int]:
        """Return the pass and the step in force at ``t_s``: the last one whose start, as `_start_s` rounds it, is not later."""
        n_passes = math.floor((t_s + shift_s) / track.duration_s) if self.loop else 0
        in_pass_s = t_s - _start_s(track, (n_passes, 0), shift_s)
        place = n_passes, max(0, bisect_right(track.starts_s, in_pass_s) - 1)
        while _start_s(track, place, shift_s) > t_s and place > (0, 0):
            place = (place[0], place[1] - 1) if place[1] else (place[0] - 1, len(track.starts_s) - 1)
        while (following := self._following(track, *place)) is not None and _start_s(track, following, shift_s) <= t_s:
            place = following
        return place

    def _following(self, track: Track, n_passes: int, step: int) -> tuple[int, int] | None:
        if step + 1 < len(track.starts_s):
            return n_passes, step + 1
        return (n_passes + 1, 0) if self.loop else None


def _start_s(track: Track, place: tuple[int, int], shift_s: float) -> float:
    """Return when a step of a pass starts; always summed in this order, so that two questions get one answer."""
    return place[0] * track.duration_s + track.starts_s[place[1]] - shift_s


def read_link_trace(
    paths: Sequence[Path],
    *,
    preset: str | Path = "canonical",
    loop: bool = True,
    hold_s: float = 5.0,
    shift_s: float = 0.0,
    scale: float = 1.0,
    uplink_share: float | None = None,
) -> LinkTrace:
    """Read rates over time from CSV or JSON files in the layout of the column map ``preset``, a name or a file.

    A rate that is missing is held for ``hold_s`` and then 0, see `fill_gaps`. With ``uplink_share``, the uplink is that share
    of the downlink, whatever the files say of it. ``TraceError`` with every problem of every file.
    """
    series = read_link_series(paths, preset=preset, uplink_share=uplink_share)
    return LinkTrace(tuple(to_track(one, hold_s=hold_s, loop=loop) for one in series), loop, shift_s, scale)


def to_track(series: LinkSeries, *, hold_s: float, loop: bool = True) -> Track:
    """Return the rates of a device as a function of time; without ``loop`` it goes on behind the end, with nothing measured."""
    columns = (series.downlink_bps, series.uplink_bps)
    if loop and series.is_constant:  # traces of half a million devices are of this kind
        constant = (float(columns[0][0]), float(columns[1][0]))
        return Track(series.ue_id, series.end_s, (0.0,), (constant,), 0.0, 0.0)
    one_pass = [
        fill_gaps(series.times_s, values, end_s=series.end_s, hold_s=hold_s, sample_s=series.sample_s) for values in columns
    ]
    starts_s = np.union1d(one_pass[0].starts_s, one_pass[1].starts_s)
    state = np.maximum(*(look_up(steps, starts_s)[1] for steps in one_pass))
    lasts_s = np.diff(starts_s, append=series.end_s)
    used = one_pass
    if not loop:
        times_s = np.append(series.times_s, series.end_s)
        used = [
            fill_gaps(times_s, np.append(values, np.nan), end_s=math.inf, hold_s=hold_s, sample_s=series.sample_s)
            for values in columns
        ]
        starts_s = np.union1d(used[0].starts_s, used[1].starts_s)
    rates = np.stack([look_up(steps, starts_s)[0] for steps in used], axis=1)
    changes = np.append(True, (rates[1:] != rates[:-1]).any(axis=1))
    return Track(
        ue_id=series.ue_id,
        duration_s=series.end_s,
        starts_s=tuple(starts_s[changes].tolist()),
        rates_bps=tuple(map(tuple, rates[changes].tolist())),
        held_s=float(lasts_s[state == HELD].sum()),
        outage_s=float(lasts_s[state == OUTAGE].sum()),
    )


def median_rates(track: Track) -> tuple[float, float]:
    """Return the rates that a track is below half of one pass, in bit/s: medians over time, outages counted as 0."""
    starts_s = np.asarray(track.starts_s)
    inside = starts_s < track.duration_s
    rates = np.asarray(track.rates_bps)[inside]
    lasts_s = np.diff(starts_s[inside], append=track.duration_s)
    medians = []
    for column in rates.T:
        order = np.argsort(column, kind="stable")
        half = np.searchsorted(np.cumsum(lasts_s[order]), lasts_s.sum() / 2.0)
        medians.append(float(column[order][half]))
    return medians[0], medians[1]

"""From the section ``energy`` to what stations, backhaul and electricity cost."""

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mecsim.build.network import carrier_spec
from mecsim.build.stations import placed
from mecsim.config.scenario import Scenario
from mecsim.errors import MecsimError
from mecsim.nodes.station_power import STATIONS
from mecsim.nodes.timeline import Steps, Timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """What is counted beside the devices' energy.

    ``sending_w`` is what a cell of each station draws more while it is busy downlink, on average over uplink and downlink
    slots; ``static_w`` is what all stations draw whatever they send. Carbon is in g/kWh.
    """

    sending_w: Mapping[str, float]
    static_w: float
    backhaul_kwh_per_gb: float
    carbon_g_per_kwh: float | Timeline


def build_tariff(scenario: Scenario) -> Tariff:
    """Return what is counted beside the devices' energy.

    A station sends in downlink slots alone, and one of three sectors is a third of its power class's site.
    """
    stations, config = placed(scenario), scenario.energy
    share = carrier_spec(scenario.network.carrier).downlink_share
    radios = dict(zip(stations.names, stations.radios, strict=True)) if config.stations else {}
    trace = config.carbon_trace
    return Tariff(
        sending_w={name: share * STATIONS[radio.power_class].dynamic_w / radio.sectors for name, radio in radios.items()},
        static_w=math.fsum(STATIONS[radio.power_class].static_w for radio in radios.values()),
        backhaul_kwh_per_gb=config.backhaul_kwh_per_gb,
        carbon_g_per_kwh=config.carbon_g_per_kwh if trace is None else read_intensity(trace),
    )


def read_intensity(path: Path) -> Timeline:
    """Read a carbon intensity over time from a CSV with the columns t_s and g_per_kwh; it begins again at its end.

    The first row is time 0 of the study, and the last row only ends the cycle. MecsimError for a file that cannot be read so.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [(float(row["t_s"]), float(row["g_per_kwh"])) for row in csv.DictReader(file)]
        if not all(math.isfinite(t_s) and 0.0 <= value < math.inf for t_s, value in rows):
            raise ValueError("times must be finite, and intensities at least 0")
        times_s, values = [t_s - rows[0][0] for t_s, _ in rows[:-1]], [value for _, value in rows[:-1]]
        return Steps(times_s, values, period_s=rows[-1][0] - rows[0][0])
    except (OSError, KeyError, ValueError, IndexError, TypeError) as error:
        raise MecsimError(
            f"{path}: not a carbon trace ({error}): it needs the columns t_s, increasing, and g_per_kwh, and two rows or more"
        ) from error

"""The pictures of docs/network_studies.md: ``python -m benchmarks.network_pictures [NAME ..] [--logs FOLDER]``.

Runs every variant of the studies in scenarios/network/ as ``mecsim run`` does, into runs/network/, and draws
docs/images/network/NAME.png. Without names, all of them; real_5g_trace needs the folder of the 5G logs, and is left out without
it. What has been trained before is not trained again.
"""

import argparse
import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import network_drawings as drawings
from benchmarks.network_axes import save_png
from mecsim.cli.run import run
from mecsim.results.reader import Run, open_run
from mecsim.traces.link import Track, read_link_trace

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROOT = Path(__file__).parent.parent
SCENARIOS = ROOT / "scenarios" / "network"
RUNS = ROOT / "runs" / "network"
STORE = ROOT / ".mecsim" / "store"
PICTURES = ROOT / "docs" / "images" / "network"
TRACE = "real_5g_trace"
#: The log that is drawn, in the order of their names.
SHOWN = 2

#: A scenario and what --set changes in it.
Variant = tuple[str, tuple[str, ...]]


@dataclass(frozen=True)
class Study:
    """Variants by their names in the picture, and who draws their runs."""

    variants: Mapping[str, Variant]
    draw: Callable[[Mapping[str, Run]], "Figure"]


WALKING = "fleet.groups.0.mobility={kind: random-waypoint, speed_mps: [0.8, 2]}"
DRIVING = "fleet.groups.0.mobility={kind: random-waypoint, speed_mps: [8, 17]}"
BREAK = "network.handover.transfers=fail"
SLOWER = ("network.handover.hysteresis_db=3", "network.handover.time_to_trigger_ms=1280")
DEADLINE = (
    "{kind: deadline, rounds: 30, clients_per_round: 10, over_selection: 1.5, deadline: {kind: adaptive, percentile: 60}}"
)

STUDIES = {
    "bandwidth": Study(
        {f"{mhz:g}": ("bandwidth", (f"network.carrier.bandwidth_mhz={mhz:g}",)) for mhz in (2.5, 5, 10, 20, 40, 100)},
        drawings.bandwidth,
    ),
    "macro_or_small_cells": Study(
        {"one mast, 3 sectors": ("macro", ()), "9 small cells": ("small_cells", ())}, drawings.macro_or_small_cells
    ),
    "mobility": Study(
        {
            "static": ("mobility", ()),
            "walking": ("mobility", (WALKING,)),
            "driving": ("mobility", (DRIVING,)),
            "walking, break": ("mobility", (WALKING, BREAK)),
            "driving, break": ("mobility", (DRIVING, BREAK)),
            "driving, slower handover, break": ("mobility", (DRIVING, BREAK, *SLOWER)),
        },
        drawings.mobility,
    ),
    "stragglers": Study(
        {
            "sync": ("stragglers", ()),
            "deadline": ("stragglers", (f"protocol={DEADLINE}",)),
            "buffered": ("stragglers", ("protocol={kind: buffered, rounds: 60, clients_per_round: 10, buffer: 5}",)),
            "async": ("stragglers", ("protocol={kind: async, rounds: 300, clients_per_round: 10, evaluate_every: 5}",)),
        },
        drawings.stragglers,
    ),
    "batteries": Study(
        {
            "uniform": ("batteries", ()),
            "energy-aware": ("batteries", ("selection={kind: energy-aware, battery_floor: 0.25}",)),
            "energy-aware of 24": ("batteries", ("selection={kind: energy-aware, battery_floor: 0.25, candidates: 24}",)),
        },
        drawings.batteries,
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Run the studies of the network and draw their pictures.")
    parser.add_argument("names", nargs="*", choices=[*STUDIES, TRACE, []], help="studies; default: all")
    parser.add_argument("--logs", type=Path, help="folder of the 5G logs of University College Cork")
    asked = parser.parse_args()
    studies = dict(STUDIES)
    if asked.logs is not None:
        studies[TRACE] = trace_study(sorted(asked.logs.glob("*.csv")))
    elif TRACE in asked.names:
        parser.error(f"{TRACE} needs --logs FOLDER")
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name in asked.names or studies:
        runs = {label: simulated(name, label, *variant) for label, variant in studies[name].variants.items()}
        save_png(studies[name].draw(runs), PICTURES / f"{name}.png")


def simulated(study: str, label: str, scenario: str, overrides: tuple[str, ...]) -> Run:
    print(f"\n{study}: {label}")
    folder = RUNS / f"{study}-{''.join(c if c.isalnum() else '-' for c in label)}"
    run(SCENARIOS / f"{scenario}.yaml", list(overrides), folder, STORE, quiet=True)
    return open_run(folder)


def trace_study(logs: list[Path]) -> Study:
    """Return the study of measured logs against their means, which are written as canonical traces."""
    trace = read_link_trace(logs, preset="ucc5g", uplink_share=0.1)
    means = [mean_mbps(track) for track in trace.tracks]
    RUNS.mkdir(parents=True, exist_ok=True)
    one_mean = sum(means) / len(means)
    constant = {"mean of each log": means, "one mean for all": [one_mean] * len(means)}
    variants: dict[str, Variant] = {"measured": (TRACE, (f"network.trace.files=[{', '.join(str(log) for log in logs)}]",))}
    for label, rates in constant.items():
        path = RUNS / f"{label.replace(' ', '_')}.csv"
        write_constant(path, rates)
        overrides = (f"network.trace.files=[{path}]", "network.trace.preset=canonical", "network.trace.uplink_share=null")
        variants[label] = (TRACE, overrides)
    variants["radio model"] = (TRACE, ("network.trace=null",))
    return Study(variants, lambda runs: drawings.real_5g_trace(runs, trace.tracks[SHOWN], means[SHOWN]))


def mean_mbps(track: Track) -> float:
    """Return the mean downlink over time, outages included."""
    lasts_s = np.diff(track.starts_s, append=track.duration_s)
    return float(np.array(track.rates_bps)[:, 0] @ lasts_s / track.duration_s) / 1e6


def write_constant(path: Path, rates_mbps: list[float]) -> None:
    """Write a canonical trace of constant rates, the uplink a tenth of the downlink."""
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("t_s", "ue_id", "dl_mbps", "ul_mbps"))
        rows.writerows((0, f"log-{i}", rate, 0.1 * rate) for i, rate in enumerate(rates_mbps))


if __name__ == "__main__":
    main()

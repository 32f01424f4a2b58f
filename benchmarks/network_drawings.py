"""How the studies of the network are drawn: a figure each, from the runs of its variants."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import yaml

from analysis.frames import cumulative, curve
from analysis.plots.costs import log_axis
from analysis.plots.style import house_style
from benchmarks.network_axes import NOTHING_TRAINED, colours, level_bars, panels, plain_log, shares, styles
from mecsim.results.reader import Run
from mecsim.traces.link import Track

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Runs = Mapping[str, Run]
_GREY = "#777777"


def bandwidth(runs: Runs) -> "Figure":
    widths_mhz = [float(name) for name in runs]
    labels = list(dict.fromkeys(next(iter(runs.values())).frame("summary")["label"]))
    with house_style():
        figure, (times, joules, share) = panels(
            ("Time to 90 % accuracy", "Device energy to 90 %", "Of a device turn: on the radio")
        )
        for label, style in styles(labels).items():
            rows = [run.frame("summary").set_index("label").loc[label] for run in runs.values()]
            times.plot(widths_mhz, [row["time_to_target_s"] / 3600 for row in rows], label=label, **style)
            joules.plot(widths_mhz, [row["device_energy_to_target_j"] / 1e3 for row in rows], label=label, **style)
            share.plot(widths_mhz, [radio_percent(run, label) for run in runs.values()], label=label, **style)
        for axes, unit in ((times, "hours, log scale"), (joules, "kJ, log scale"), (share, "% of the time")):
            log_axis(axes, lambda value: f"{value:g}")
            axes.set_xticks(widths_mhz, [f"{value:g}" for value in widths_mhz])
            axes.minorticks_off()
            axes.set_xlabel("Carrier width (MHz)")
            axes.set_ylabel(unit)
        for axes in (times, joules):
            plain_log(axes)
        share.set_ylim(0, 101)
        times.legend(loc="center right")
    return figure


def radio_percent(run: Run, label: str) -> float:
    turns = completed(run)
    turns = turns[turns["label"] == label]
    radio_s = turns["download_s"].sum() + turns["upload_s"].sum()
    return float(100 * radio_s / (radio_s + turns["compute_s"].sum()))


def macro_or_small_cells(runs: Runs) -> "Figure":
    looks, fill = styles(runs), colours(runs)
    with house_style():
        figure, (ups, downs, joules) = panels(
            ("Upload of 1.5 MB", "Download of 343 MB, once", "Energy over 20 rounds"), (1, 1, 1.25)
        )
        for name, run in runs.items():
            moved = run.frame("transfers")
            moved = moved[moved["complete"]].assign(lasted_s=moved["end_s"] - moved["start_s"])
            shares(ups, moved.loc[moved["direction"] == "uplink", "lasted_s"], name, **looks[name])
            shares(downs, moved.loc[moved["payload_kind"] == "backbone", "lasted_s"], name, **looks[name])
        for axes in (ups, downs):
            log_axis(axes, lambda value: f"{value:,.10g}")
            axes.set_xlabel("Seconds (log scale)")
        ups.set_ylabel("Transfers that take no longer (%)")
        kinds = {"devices": device_energy_j, "stations, by load": dynamic_j, "stations, at rest": static_j}
        for i, (name, run) in enumerate(runs.items()):
            places = np.arange(len(kinds)) + 0.4 * (i - 0.5)
            drawn = joules.bar(places, [of(run) / 1e6 for of in kinds.values()], width=0.38, color=fill[name])
            joules.bar_label(drawn, fmt="{:.2g}", padding=1, fontsize=6.5)
        joules.set_xticks(range(len(kinds)), [kind.replace(", ", ",\n") for kind in kinds])
        joules.grid(visible=False, axis="x")
        plain_log(joules)
        joules.set_ylabel("MJ, log scale")
        joules.margins(y=0.12)
        figure.legend(*ups.get_legend_handles_labels(), loc="outside lower center", ncols=2, **NOTHING_TRAINED)
    return figure


def dynamic_j(run: Run) -> float:
    return float(run.frame("summary")["station_energy_j"].sum())


def static_j(run: Run) -> float:
    rows = run.frame("energy")
    return float(rows.loc[(rows["node"] == "stations") & (rows["part"] == "static"), "energy_j"].sum())


def mobility(runs: Runs) -> "Figure":
    kept = ("static", "walking", "driving")
    looks, fill = styles(kept), colours(kept)
    with house_style():
        figure, (turns, lost, rate) = panels(("If transfers go on: turns", "If they break: turns lost", "Updates that arrive"))
        for name in kept:
            done = completed(runs[name])
            shares(turns, done["end_s"] - done["start_s"], name, **looks[name])
        turns.set_xlabel("Duration of a turn (s)")
        turns.set_ylabel("Turns that take no longer (%)")
        turns.legend(loc="lower right")
        breaking = ("static", "walking, break", "driving, break", "driving, slower handover, break")
        names = ("static", "walking", "driving", "driving,\nslower\nhandover")
        percent = [lost_percent(runs[name]) for name in breaking]
        level_bars(lost, names, percent, [fill[name.partition(",")[0]] for name in breaking])
        lost.set_xlabel("% of turns")
        for i, those in enumerate((kept, breaking[:3])):
            values = [updates_per_minute(runs[name]) for name in those]
            places = np.arange(len(kept)) + 0.4 * (i - 0.5)
            drawn = rate.bar(places, values, width=0.38, color=list(fill.values()), alpha=1 - 0.55 * i)
            rate.bar_label(drawn, fmt="{:.0f}", padding=1, fontsize=6.5)
        rate.set_xticks(range(len(kept)), kept)
        rate.locator_params(axis="y", integer=True)
        rate.grid(visible=False, axis="x")
        rate.set_ylabel("Updates a minute")
        rate.set_xlabel("dark: go on, light: break")
        figure.supxlabel(NOTHING_TRAINED["title"], fontsize=NOTHING_TRAINED["title_fontsize"])
    return figure


def lost_percent(run: Run) -> float:
    row = run.frame("summary").iloc[0]
    return float(100 * row["lost"] / row["turns"])


def updates_per_minute(run: Run) -> float:
    row = run.frame("summary").iloc[0]
    return float(60 * row["completed"] / row["sim_time_s"])


def learning_curves(axes: "Axes", runs: Runs, x: str, unit: float) -> None:
    """Draw each run's accuracy over ``x``: every seed thin, their mean thick."""
    for name, style in styles(runs).items():
        series = cumulative(runs[name].frame("rounds"))
        thick = {key: value for key, value in style.items() if key != "marker"}
        for _, own in series.dropna(subset=["accuracy"]).groupby("seed"):
            axes.plot(own[x] / unit, 100 * own["accuracy"], color=style["color"], linewidth=0.4, alpha=0.55)
        middle = curve(series, x)
        axes.plot(middle["x"] / unit, 100 * middle["accuracy"], label=name, **thick)
    axes.axhline(90, color=_GREY, linewidth=0.7, linestyle=(0, (2, 2)), zorder=1)
    axes.set_ylim(0, 101)


def stragglers(runs: Runs) -> "Figure":
    groups = {"jetson-orin-nano": "Orin Nano", "raspberry-pi-5": "Pi 5", "raspberry-pi-4": "Pi 4"}
    with house_style():
        titles = ("Accuracy against time", "Each seed: energy and end", "Whose updates count")
        figure, (times, ends, heard) = panels(titles, (1.2, 1.05, 1))
        learning_curves(times, runs, "sim_time_s", 60)
        log_axis(times, lambda value: f"{value:g}")
        times.set_xlim(left=0.5)
        times.set_xlabel("Simulated time (min, log scale)")
        times.set_ylabel("Accuracy (%)")
        times.legend(loc="lower right")
        for i, (name, style) in enumerate(styles(runs).items()):
            rows = runs[name].frame("summary")
            look = {"color": style["color"], "marker": style["marker"], "linestyle": "none"}
            ends.plot(rows["device_energy_to_target_j"] / 1e3, 100 * rows["final_accuracy"], label=name, **look)
            done = completed(runs[name])
            percent = [100 * float((done["group"] == group).mean()) for group in groups]
            heard.bar(np.arange(3) + 0.2 * (i - 1.5), percent, width=0.19, color=style["color"])
        ends.set_xlabel("Device energy to 90 % (kJ)")
        ends.set_ylabel("Accuracy at the end (%)")
        ends.set_xlim(left=0)
        heard.set_xticks(range(3), list(groups.values()))
        heard.grid(visible=False, axis="x")
        heard.set_ylabel("% of the updates")
        fleet = next(iter(runs.values()))
        for place, share in enumerate(fleet_percent(fleet, groups)):
            heard.plot([place - 0.4, place + 0.4], [share, share], color="black", linewidth=0.8, linestyle=(0, (2, 2)))
        heard.set_xlabel("dashed: % of the devices")
    return figure


def fleet_percent(run: Run, groups: Iterable[str]) -> list[float]:
    counts = {group["name"]: group["count"] for group in yaml.safe_load(run.scenario_yaml)["fleet"]["groups"]}
    return [100 * counts[group] / sum(counts.values()) for group in groups]


def batteries(runs: Runs) -> "Figure":
    fills = {"completed": "#c4c4c4", "refused": "#E69F00", "lost": "#000000"}
    with house_style():
        titles = ("Accuracy against time", "Accuracy against energy", "How turns ended")
        figure, (times, joules, turns) = panels(titles, (1.1, 1.1, 0.9))
        learning_curves(times, runs, "sim_time_s", 60)
        learning_curves(joules, runs, "cum_device_energy_j", 1e3)
        for axes, longest in ((times, 78), (joules, 125)):
            axes.set_xlim(0, longest)
            axes.set_ylim(50, 100.5)
        times.axvline(60, color=_GREY, linewidth=0.8)
        times.text(59, 52, "sun", fontsize=6.5, color=_GREY, ha="right")
        times.set_xlabel("Simulated time (min)")
        joules.set_xlabel("Energy of all devices (kJ)")
        times.set_ylabel("Accuracy (%)")
        joules.tick_params(labelleft=False)
        left = np.zeros(len(runs))
        for outcome, colour in fills.items():
            values = np.array([100 * float((run.frame("clients")["outcome"] == outcome).mean()) for run in runs.values()])
            turns.barh(range(len(runs)), values, left=left, height=0.6, color=colour, label=outcome)
            left += values
        turns.set_yticks(range(len(runs)), [name.replace("-", "-\n").replace(" of", "\nof") for name in runs])
        turns.invert_yaxis()
        turns.set_xlabel("% of the turns asked for")
        turns.grid(visible=False, axis="y")
        figure.legend(*times.get_legend_handles_labels(), loc="outside lower left", ncols=3)
        figure.legend(
            *turns.get_legend_handles_labels(), loc="outside lower right", ncols=3, handlelength=1.2, columnspacing=1.2
        )
    return figure


def real_5g_trace(runs: Runs, track: Track, mean_mbps: float) -> "Figure":
    looks, fill = styles(runs), colours(runs)
    sizes = ("1.5 MB each way", "20 MB each way")
    with house_style():
        figure, (rate, turns, total) = panels(
            ("One log and its mean", "Turns with 1.5 MB each way", "Time of 40 rounds"), (1, 1, 1.25)
        )
        drawn = np.array(track.rates_bps)[:, 0] / 1e6
        rate.step(np.array(track.starts_s) / 60, drawn, where="post", color=fill["measured"], linewidth=0.5)
        rate.axhline(mean_mbps, color=fill["mean of each log"], linewidth=1.2)
        rate.set_xlabel("Time (min)")
        rate.set_ylabel("Downlink (Mbit/s)")
        for name, run in runs.items():
            done = completed(run)
            done = done[done["label"] == sizes[0]]
            shares(turns, done["end_s"] - done["start_s"], name, **looks[name])
        log_axis(turns, lambda value: f"{value:g}")
        turns.set_xlabel("Duration of a turn (s, log scale)")
        turns.set_ylabel("Turns that take no longer (%)")
        for i, name in enumerate(runs):
            rows = runs[name].frame("summary").set_index("label")
            values = [float(rows.loc[size, "sim_time_s"]) / 3600 for size in sizes]
            drawn_bars = total.bar(np.arange(2) + 0.2 * (i - 1.5), values, width=0.19, color=fill[name])
            total.bar_label(drawn_bars, fmt="{:.2g}", padding=1, fontsize=5.8)
        total.set_xticks(range(2), [size.replace(" each", "\neach") for size in sizes])
        plain_log(total)
        total.margins(y=0.12)
        total.grid(visible=False, axis="x")
        total.set_ylabel("Simulated time (h, log scale)")
        figure.legend(*turns.get_legend_handles_labels(), loc="outside lower center", ncols=4, **NOTHING_TRAINED)
    return figure


# What is asked of a run -----------------------------------------------------------------------------------------------------


def completed(run: Run) -> pd.DataFrame:
    clients = run.frame("clients")
    return clients[clients["outcome"] == "completed"]


def device_energy_j(run: Run) -> float:
    summary = run.frame("summary")
    return float(summary[[f"device_{part}_energy_j" for part in ("compute", "radio", "idle")]].sum(axis=1).mean())

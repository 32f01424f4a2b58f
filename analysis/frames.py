"""From a run's tables to the frames that tables and figures are drawn from."""

from typing import TYPE_CHECKING

from analysis.stats import interval

if TYPE_CHECKING:
    import pandas as pd

#: The columns that name a trial.
TRIAL = ["scheme", "label", "variant", "seed"]

_SUMMED = ("uplink_bytes", "downlink_bytes", "device_energy_j", "server_energy_j")
_AVERAGED = (
    "final_accuracy",
    "best_accuracy",
    "objective",
    "sim_time_s",
    "device_energy_j",
    "server_energy_j",
    "uplink_bytes",
    "downlink_bytes",
    "update_bytes",
    "time_to_target_s",
    "device_energy_to_target_j",
    "uplink_bytes_to_target",
    "refused_device_share",
    "peak_memory_bytes",
    "trainable_parameters",
    "turn_flop",
    "inference_flop",
)


def _with_device_energy(frame: "pd.DataFrame") -> "pd.DataFrame":
    parts = ("compute", "radio", "idle")
    return frame.assign(device_energy_j=sum(frame[f"device_{part}_energy_j"] for part in parts))


def cumulative(rounds: "pd.DataFrame") -> "pd.DataFrame":
    """Return what each trial had spent by the end of each round.

    Columns: those of the trial, ``round``, ``sim_time_s``, ``accuracy``, ``loss`` (as recorded), and the running sums
    ``cum_uplink_bytes``, ``cum_downlink_bytes``, ``cum_device_energy_j`` (compute + radio + idle) and
    ``cum_server_energy_j``. Rows are in order of trial, as first met, and round.
    """
    frame = _with_device_energy(rounds)
    order = frame.groupby(TRIAL, sort=False).ngroup()
    frame = frame.assign(_trial=order).sort_values(["_trial", "round"], kind="stable").reset_index(drop=True)
    sums = frame.groupby("_trial", sort=False)[list(_SUMMED)].cumsum().add_prefix("cum_")
    kept = [*TRIAL, "round", "sim_time_s", "accuracy", "loss"]
    return frame[kept].join(sums)


def with_diagnostic(series: "pd.DataFrame", diagnostics: "pd.DataFrame", name: str) -> "pd.DataFrame":
    """Return ``cumulative``'s frame with the diagnostic ``name`` as a column, NaN where a round has none."""
    keys = [*TRIAL, "round"]
    found = diagnostics.loc[diagnostics["name"] == name, [*keys, "value"]].rename(columns={"value": name})
    return series.merge(found, how="left", on=keys)


def curve(series: "pd.DataFrame", x: str, y: str = "accuracy") -> "pd.DataFrame":
    """Return the curve of ``y`` of one label in one variant over column ``x`` of ``cumulative``'s frame.

    Columns: ``round``, ``x`` and ``y``'s own name (means over the seeds), ``half`` (half-width of its 95 % interval, NaN for
    one seed), ``n``. Only rounds that every seed has evaluated are there, so the mean is always over the same seeds.
    """
    import pandas as pd

    n_seeds = series["seed"].nunique()
    rows = []
    for number, group in series.dropna(subset=[y]).groupby("round", sort=True):
        if len(group) == n_seeds:
            middle = interval(group[y].tolist())
            rows.append((number, group[x].mean(), middle.mean, middle.half, n_seeds))
    frame = pd.DataFrame(rows, columns=["round", "x", y, "half", "n"])
    return frame.astype({"round": "int64", "x": "float64", y: "float64", "half": "float64", "n": "int64"})


def by_label(summary: "pd.DataFrame") -> "pd.DataFrame":
    """Return the summary averaged over seeds, a row a (variant, label), in the order of the study.

    Columns: ``variant``, ``label``, ``scheme``, ``account_as``, ``n`` (seeds), ``n_reached`` (seeds that reached the target),
    and of each measure its mean under its own name and ``<name>_half``, the half-width of the 95 % interval (NaN for
    one seed). ``device_energy_j`` is compute + radio + idle. A measure that is empty for some seed is NaN: a
    mean over the lucky ones would mislead. ``uplink_ratio`` is to the smallest uplink of the same variant that is not zero.
    """
    import pandas as pd

    frame = _with_device_energy(summary)
    rows = []
    for (variant, label), group in frame.groupby(["variant", "label"], sort=False):
        row = {"variant": variant, "label": label, "n": len(group), "n_reached": group["time_to_target_s"].notna().sum()}
        row |= {column: group[column].iloc[0] for column in ("scheme", "account_as", "target_accuracy")}
        for column in _AVERAGED:
            middle = interval(group[column].astype("float64").tolist())
            row |= {column: middle.mean, f"{column}_half": middle.half}
        rows.append(row)
    result = pd.DataFrame(rows)
    halves = {f"{column}_half": "float64" for column in _AVERAGED}
    smallest = result["uplink_bytes"].where(result["uplink_bytes"] > 0).groupby(result["variant"]).transform("min")
    ratio = (result["uplink_bytes"] / smallest).where(result["uplink_bytes"] > 0)
    return result.astype(halves).assign(uplink_ratio=ratio)


def diagnostics(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Return what evaluations gave beside accuracy and loss: a row a (variant, label, name), in the study's order.

    Columns: those three, ``first_round`` and ``first``, ``last_round`` and ``last``: means over the seeds in the first and
    last round that have the number, and ``last_half``, the half-width of its 95 % interval (NaN for one seed).
    """
    import pandas as pd

    rows = []
    for key, group in frame.groupby(["variant", "label", "name"], sort=False):
        first, last = group["round"].min(), group["round"].max()
        start = interval(group.loc[group["round"] == first, "value"].tolist())
        end = interval(group.loc[group["round"] == last, "value"].tolist())
        rows.append((*key, first, start.mean, last, end.mean, end.half))
    columns = ["variant", "label", "name", "first_round", "first", "last_round", "last", "last_half"]
    return pd.DataFrame(rows, columns=columns)


def outcomes(clients: "pd.DataFrame") -> "pd.DataFrame":
    """Return how device turns ended: a row a (label, variant, group, profile).

    Columns: those four, ``devices`` (different ones that had a turn), ``turns``, and the count of each outcome met,
    named as in the records. The variant comes before the label, both in the study's order.
    """
    keys = ["variant", "label", "group", "profile"]
    grouped = clients.groupby(keys, sort=False)
    counts = grouped["outcome"].value_counts().unstack(fill_value=0)
    table = grouped.agg(devices=("device", "nunique"), turns=("device", "size")).join(counts)
    return table.reset_index()


def causes(clients: "pd.DataFrame") -> "pd.DataFrame":
    """Return why turns did not complete, the most frequent first.

    Columns: ``variant``, ``label``, ``profile``, ``outcome``, ``cause`` (the reason's first words, before a colon), ``example``
    (the first reason met, whole) and ``turns``.
    """
    failed = clients[clients["outcome"] != "completed"]
    failed = failed.assign(cause=failed["reason"].str.partition(":")[0] if len(failed) else "")
    grouped = failed.groupby(["variant", "label", "profile", "outcome", "cause"], sort=False)
    counts = grouped.agg(example=("reason", "first"), turns=("device", "size")).reset_index()
    return counts.sort_values("turns", ascending=False, kind="stable").reset_index(drop=True)


def empty_rounds(rounds: "pd.DataFrame") -> "pd.DataFrame":
    """Return the trials in which there was nobody to ask in some round: ``variant``, ``label``, ``empty``, ``rounds``."""
    asked = rounds[rounds["round"] > 0]
    grouped = asked.assign(empty=asked["selected"] == 0).groupby(["variant", "label"], sort=False)
    counts = grouped.agg(empty=("empty", "sum"), rounds=("round", "size")).reset_index()
    return counts[counts["empty"] > 0].reset_index(drop=True)


def energy_parts(energy: "pd.DataFrame") -> "pd.DataFrame":
    """Return where the joules went: a row a (variant, label), a column "node, part" each, totals averaged over the seeds."""
    parts = energy.assign(name=energy["node"] + ", " + energy["part"])
    order = list(dict.fromkeys(parts["name"]))
    totals = parts.groupby(["variant", "label", "seed", "name"], sort=False)["energy_j"].sum()
    means = totals.groupby(["variant", "label", "name"], sort=False).mean().unstack("name")
    trials = list(dict.fromkeys(zip(parts["variant"], parts["label"], strict=True)))
    return means.reindex(index=trials, columns=order).reset_index()

"""What single devices did: the turns of the early rounds, what became of each device, and how turns ended by group."""

from typing import TYPE_CHECKING

from mecsim.results.records import OUTCOMES

if TYPE_CHECKING:
    import pandas as pd

#: What became of a device in a trial: it completed a turn; else it was refused; else it was asked; else it was not.
FATES = ("took part", "refused", "asked, completed nothing", "never asked")


def last_early_round(clients: "pd.DataFrame", *, n_turns: int = 18, n_rounds: int = 3) -> int:
    """Return the first round by whose end every label has had ``n_turns`` turns, and at least ``n_rounds``; 0 without turns.

    ``clients`` are of one variant and seed. Where a label never has so many, its last round counts.
    """
    if clients.empty:
        return 0
    last = n_rounds
    for _, own in clients.groupby("label", sort=False):
        reached = own.groupby("round").size().sort_index().cumsum()
        enough = reached[reached >= n_turns]
        last = max(last, int(reached.index[-1] if enough.empty else enough.index[0]))
    return min(last, int(clients["round"].max()))


def phases(clients: "pd.DataFrame", rounds: "pd.DataFrame") -> "pd.DataFrame":
    """Return when each turn did what, in seconds of simulated time; a row a turn, in order of its start.

    Columns: ``label``, ``round``, ``device``, ``group``, ``outcome``; ``start_s``, ``download_s``, ``compute_at_s``,
    ``compute_s``, ``upload_at_s``, ``upload_s``, ``end_s``; ``waits_s``: from the end of a completed turn to that of the round
    it is recorded with, or to the device's next turn. ``clients`` and ``rounds`` are of one variant and seed.
    """
    closed = rounds[["label", "round", "sim_time_s"]]
    frame = clients.merge(closed, how="left", on=["label", "round"]).sort_values("start_s", kind="stable")
    next_s = frame.groupby(["label", "device"])["start_s"].shift(-1)
    until_s = frame["sim_time_s"].where(next_s.isna() | (next_s > frame["sim_time_s"]), next_s)
    waits_s = (until_s - frame["end_s"]).clip(lower=0.0).where(frame["outcome"] == "completed", 0.0)
    frame = frame.assign(
        compute_at_s=frame["start_s"] + frame["download_s"], upload_at_s=frame["end_s"] - frame["upload_s"], waits_s=waits_s
    )
    kept = ["label", "round", "device", "group", "outcome", "start_s", "download_s", "compute_at_s", "compute_s"]
    return frame[[*kept, "upload_at_s", "upload_s", "end_s", "waits_s"]].reset_index(drop=True)


def fleet(devices: "pd.DataFrame", clients: "pd.DataFrame") -> "pd.DataFrame":
    """Return the devices of each world: ``seed``, ``device``, ``group``; those that had a turn where no others are recorded."""
    known = devices if len(devices) else clients
    frame = known[["seed", "device", "group"]].drop_duplicates(["seed", "device"])
    return frame.sort_values(["seed", "device"], kind="stable").reset_index(drop=True)


def device_turns(devices: "pd.DataFrame", clients: "pd.DataFrame", labels: "list[str]") -> "pd.DataFrame":
    """Return the turns of each device with each scheme, of one variant: a row a (label, seed, device).

    Columns: ``label``, ``seed``, ``device``, ``group``, ``turns``, a count for each of ``OUTCOMES``, and ``fate``, one of
    ``FATES``. Devices are those of ``fleet``: also those that were never asked.
    """
    import pandas as pd

    keys = ["label", "seed", "device"]
    everyone = fleet(devices, clients)
    frame = pd.concat([everyone.assign(label=label) for label in labels], ignore_index=True)
    counts = clients.groupby(keys)["outcome"].value_counts().unstack(fill_value=0).reindex(columns=list(OUTCOMES), fill_value=0)
    frame = frame.merge(counts.reset_index(), how="left", on=keys)
    frame[list(OUTCOMES)] = frame[list(OUTCOMES)].fillna(0).astype("int64")
    frame["turns"] = frame[list(OUTCOMES)].sum(axis=1)
    fate = pd.Series(FATES[3], index=frame.index).mask(frame["turns"] > 0, FATES[2])
    frame["fate"] = fate.mask(frame["refused"] > 0, FATES[1]).mask(frame["completed"] > 0, FATES[0])
    return frame


def fate_shares(turns: "pd.DataFrame") -> "pd.DataFrame":
    """Return the share of devices with each of ``FATES``, over the seeds: a row a label, in ``device_turns``'s order."""
    counts = turns.groupby("label", sort=False)["fate"].value_counts().unstack(fill_value=0)
    counts = counts.reindex(columns=list(FATES), fill_value=0)
    return counts.div(counts.sum(axis=1), axis=0)


def group_outcomes(clients: "pd.DataFrame", labels: "list[str]", *, by_group: bool = True) -> "pd.DataFrame":
    """Return how turns ended, of one variant: a row a (label, group) that had a turn, over all seeds.

    Columns: ``label``, ``group`` ("" without ``by_group``), ``turns``, the share of each of ``OUTCOMES``, ``cause`` (the most
    frequent one of turns that did not complete, "" if all did) and ``cause_share`` (of all turns).
    """
    import pandas as pd

    rows = []
    groups = list(dict.fromkeys(clients.sort_values("device", kind="stable")["group"])) if by_group else [""]
    for label in labels:
        own = clients[clients["label"] == label]
        for group in groups:
            turns = own[own["group"] == group] if by_group else own
            if len(turns):
                rows.append((label, group, len(turns), *_shares(turns)))
    return pd.DataFrame(rows, columns=["label", "group", "turns", *OUTCOMES, "cause", "cause_share"])


def _shares(turns: "pd.DataFrame") -> tuple[float | str, ...]:
    shares = turns["outcome"].value_counts(normalize=True)
    causes = turns.loc[turns["outcome"] != "completed", "reason"].map(lambda reason: reason.partition(":")[0]).value_counts()
    cause = (str(causes.index[0]), causes.iloc[0] / len(turns)) if len(causes) else ("", 0.0)
    return (*(float(shares.get(outcome, 0.0)) for outcome in OUTCOMES), *cause)

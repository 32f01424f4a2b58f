"""The tables of a run folder: one frozen record a row, SI units in the column names.

Rows of a trial begin with it: scheme, label (scheme and its settings, unique in the study), variant, seed. Rows of a world
begin with variant and seed alone: all schemes meet the same one.
"""

from dataclasses import dataclass

#: Raise it when a column changes its meaning, goes or comes; the reader refuses folders of another version.
SCHEMA_VERSION = 5

#: How a client turn can end: with an update that counted; with one that came too late or was stopped; not begun, for want of
#: memory, storage or charge; lost on the way (handover, outage, crash, battery, restart of the server); not reached at all.
OUTCOMES = ("completed", "late", "refused", "lost", "offline")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Which trial a row belongs to: ``variant`` is the sweep's point ("" without a sweep)."""

    scheme: str
    label: str
    variant: str
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundRow(Trial):
    """``rounds.parquet``: what one round took, not cumulative, save ``sim_time_s``, the clock at the round's end.

    Round 0 is the state before training, after the server's preparation; where there are no rounds, one is the time up to a
    merge. ``accuracy`` and ``loss`` are null in rounds that are not evaluated. ``selected`` is the sum of the outcomes. Bytes
    are those of the payloads that went over the radio, without protocol overhead; those of turns that did not complete are the
    ``wasted`` ones among them. ``station_energy_j`` is what the study's own downlink transfers made the stations draw;
    ``cost`` is that of the scenario's objective: null without one, in round 0, and where nothing is evaluated. ``carbon_g`` is
    that of devices, server, stations' share and backhaul.
    """

    round: int
    opened_at_s: float
    sim_time_s: float
    accuracy: float | None
    loss: float | None
    cost: float | None
    uplink_bytes: int
    downlink_bytes: int
    wasted_bytes: int
    device_compute_energy_j: float
    device_radio_energy_j: float
    device_idle_energy_j: float
    server_energy_j: float
    station_energy_j: float
    backhaul_energy_j: float
    carbon_g: float
    selected: int
    completed: int
    late: int
    refused: int
    lost: int
    offline: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRow(Trial):
    """``clients.parquet``: one turn of one device; energies are above idle, and idle energy stands apart.

    ``outcome`` is one of ``OUTCOMES``; ``reason`` says why it was not completed ("" when it was), beginning with the cause.
    ``connect_energy_j`` is promotion and connection set-up, ``tail_energy_j`` the radio's tails, also after the turn.
    ``staleness`` counts the merges between start and arrival of the update. Place and link are those at the start.
    ``choice`` is that of the scheme's knob, null where it has none, ``age`` by how many versions what the device trained around
    was behind; ``bandwidth`` is its weight in the cell, and ``power_db`` what was taken from its transmit power (0 or less).
    """

    round: int
    device: int
    group: str
    profile: str
    station: str
    outcome: str
    reason: str
    n_samples: int
    start_s: float
    download_s: float
    compute_s: float
    upload_s: float
    end_s: float
    download_bytes: int
    upload_bytes: int
    connect_energy_j: float
    download_energy_j: float
    compute_energy_j: float
    upload_energy_j: float
    tail_energy_j: float
    idle_energy_j: float
    handovers: int
    staleness: int
    peak_memory_bytes: float
    memory_budget_bytes: float
    distance_m: float
    downlink_sinr_db: float
    uplink_sinr_db: float
    choice: float | None
    age: int
    bandwidth: float
    power_db: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferRow(Trial):
    """``transfers.parquet``: one payload to or from one device, at the station where it began.

    ``wire_bytes`` is what the whole payload takes on the radio with the transport's overhead, ``carried_bytes`` what went over
    it: all of that where the transfer is ``complete``.
    """

    round: int
    device: int
    station: str
    direction: str
    payload: str
    payload_kind: str
    start_s: float
    end_s: float
    size_bytes: int
    wire_bytes: float
    carried_bytes: float
    complete: bool
    handovers: int
    energy_j: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyRow(Trial):
    """``energy.parquet``: joules of a round by node and part.

    Devices: ``compute``, ``idle``, ``connect`` (promotion and set-up), ``transfer``, ``tail``. Server: ``compute``. Stations:
    ``dynamic`` (the study's share), and ``static``, which is due whether anything is sent or not and enters no total. Backhaul:
    ``transfer``.
    """

    round: int
    node: str
    part: str
    energy_j: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosticRow(Trial):
    """``diagnostics.parquet``: what a round's evaluation gave beside accuracy and loss, one number a row.

    Such as ``bits_per_byte``, ``emulator_accuracy``, ``gap``, ``large_accuracy``, ``drift``, ``epsilon``; which there are
    depends on task and scheme.
    """

    round: int
    name: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryRow(Trial):
    """``summary.parquet``: one row a trial.

    ``objective`` is the sum of the rounds' cost up to the one that reached the target accuracy, or of all; null where the
    scenario has no section ``objective``. The ``*_to_target`` columns are null where the target accuracy was not reached or
    none was set. ``refused_device_share`` is the share of the fleet's devices that the scheme leaves out: their memory cannot
    hold its work, whatever a policy may choose for them, or it has none for them. ``update_bytes`` is the largest upload of the
    trial; ``peak_memory_bytes`` is the largest over the fleet and ``turn_flop`` the mean, at the end of the trial and in the
    scheme's own way; ``inference_flop`` is one query to what the scheme deploys. Energies are totals over the trial.
    """

    account_as: str
    rounds: int
    sim_time_s: float
    final_accuracy: float | None
    best_accuracy: float | None
    final_loss: float | None
    objective: float | None
    target_accuracy: float | None
    time_to_target_s: float | None
    device_energy_to_target_j: float | None
    uplink_bytes_to_target: int | None
    downlink_bytes_to_target: int | None
    uplink_bytes: int
    downlink_bytes: int
    device_compute_energy_j: float
    device_radio_energy_j: float
    device_idle_energy_j: float
    server_energy_j: float
    station_energy_j: float
    backhaul_energy_j: float
    carbon_g: float
    wasted_bytes: int
    turns: int
    completed: int
    late: int
    refused: int
    lost: int
    offline: int
    refused_device_share: float
    trainable_parameters: int
    update_bytes: int
    turn_flop: float
    peak_memory_bytes: float
    inference_flop: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRow(Trial):
    """``groups.parquet``: what a round's evaluation is worth to one group of devices, where samples have classes.

    ``accuracy`` is that of what would be deployed on held-out samples, weighted to the mix of classes that the group's devices
    hold: its recall of each class times the class's share of the group's ``n_samples``. Where each device deploys a model of
    its own, it is that model on the device's own mix.
    """

    round: int
    group: str
    n_devices: int
    n_samples: int
    accuracy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantRow:
    """``variants.parquet``: where a variant stands on one axis of the sweep; no rows without a sweep.

    ``title`` is the axis as a figure names it, ``point`` the place on it in words and ``value`` the number behind it, null
    where there is none; ``position`` counts points from 0.
    """

    variant: str
    axis: str
    title: str
    position: int
    point: str
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Which world a row belongs to: that of a variant and a seed, whatever the scheme."""

    variant: str
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRow(World):
    """``devices.parquet``: a device as it starts. Of a large fleet, those spread evenly over it, 1,000 a world."""

    device: int
    group: str
    profile: str
    x_m: float
    y_m: float
    station: str
    n_samples: int
    memory_budget_bytes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StationRow(World):
    """``stations.parquet``: a base station; ``azimuth_deg`` is that of its first sector, and 0 where there is only one."""

    station: str
    x_m: float
    y_m: float
    height_m: float
    tx_power_dbm: float
    sectors: int
    azimuth_deg: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageRow(World):
    """``coverage.parquet``: who would serve a device at a point of a grid over the area, and how well.

    At the height of a device, outdoors, with the interference of cells that all send where the scenario has any. Of the first
    seed.
    """

    x_m: float
    y_m: float
    station: str
    downlink_sinr_db: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SurrogateRow:
    """``surrogate.parquet``: the accuracy that a surrogate of quality foretold after a round, and the one that came.

    ``label`` is the scheme whose policy brought the surrogate. ``source`` is "fit" (the trials that it was fitted to),
    "held-out" (the same trials, foretold by a fit without their world) or "run" (a trial of this run); ``trial`` and ``world``
    name the trial. No rows without such a policy.
    """

    label: str
    source: str
    trial: str
    world: str
    round: int
    predicted: float
    observed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRow:
    """``training.parquet``: how a learned policy was trained, in steps of the environment; no rows without one.

    ``mean_return`` and ``std_return`` are those of the episodes that ended since the row before, null where none did;
    ``evaluation_return`` is that of the policy as it was then, in fixed worlds. A return is minus the objective.
    """

    label: str
    steps: int
    mean_return: float | None
    std_return: float | None
    evaluation_return: float


#: Any row of a run folder.
Row = Trial | VariantRow | World | SurrogateRow | TrainingRow

#: File stem of each table.
TABLES: dict[str, type[Row]] = {
    "rounds": RoundRow,
    "clients": ClientRow,
    "transfers": TransferRow,
    "energy": EnergyRow,
    "diagnostics": DiagnosticRow,
    "groups": GroupRow,
    "summary": SummaryRow,
    "variants": VariantRow,
    "devices": DeviceRow,
    "stations": StationRow,
    "coverage": CoverageRow,
    "surrogate": SurrogateRow,
    "training": TrainingRow,
}

"""From the log of a simulated trial and its evaluations to the rows of the run folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mecsim.federation.sync import Round
from mecsim.federation.turn import Turn
from mecsim.nodes.compute import idle_energy_j
from mecsim.nodes.world import World
from mecsim.results.records import ClientRow, DiagnosticRow, EnergyRow, RoundRow, SummaryRow, TransferRow, Trial


@dataclass(frozen=True, slots=True)
class Context:
    """What all rows of a trial share; ``key`` holds scheme, label, variant and seed."""

    key: Mapping[str, Any]
    world: World


@dataclass(frozen=True, slots=True)
class Quality:
    """What an evaluation gave; ``diagnostics`` is every number beside accuracy and loss."""

    accuracy: float
    loss: float
    diagnostics: Mapping[str, float]

    @classmethod
    def of(cls, numbers: Mapping[str, Any]) -> "Quality":
        """Read the numbers of an evaluation's result."""
        # Sorted: a result from the store has its numbers in another order than a fresh one.
        rest = {name: float(numbers[name]) for name in sorted(numbers) if name not in ("accuracy", "loss", "n_samples")}
        return cls(float(numbers["accuracy"]), float(numbers["loss"]), rest)


def trial_rows(
    context: Context,
    rounds: Sequence[Round],
    evaluations: Mapping[int, Quality],
    *,
    target_accuracy: float | None,
    facts: Mapping[str, Any],
) -> dict[str, list[Trial]]:
    """Return the rows of one trial by table; ``facts`` are the summary's columns that do not come from the rounds."""
    clients = [client_row(context, each.number, turn) for each in rounds for turn in each.turns]
    by_round = {each.number: [row for row in clients if row.round == each.number] for each in rounds}
    round_rows = [round_row(context, each, by_round[each.number], evaluations.get(each.number)) for each in rounds]
    return {
        "rounds": list(round_rows),
        "clients": list(clients),
        "transfers": [row for each in rounds for turn in each.turns for row in transfer_rows(context, each.number, turn)],
        "energy": [row for each in round_rows for row in energy_rows(context, each)],
        "diagnostics": [
            DiagnosticRow(**context.key, round=number, name=name, value=value)
            for number, quality in evaluations.items()
            for name, value in quality.diagnostics.items()
        ],
        "summary": [summary_row(context, round_rows, target_accuracy, facts)],
    }


def client_row(context: Context, number: int, turn: Turn) -> ClientRow:
    """Return the row of one turn; the connection's set-up counts as part of the download."""
    world = context.world
    group, links = world.fleet.group(turn.device), world.fleet.links
    return ClientRow(
        **context.key,
        round=number,
        device=turn.device,
        group=group.name,
        profile=group.profile.name,
        station=world.cell_of(turn.device).name,
        outcome=turn.outcome,
        reason=turn.reason,
        n_samples=turn.n_samples,
        start_s=turn.start_s,
        download_s=turn.download_s,
        compute_s=turn.compute_s,
        upload_s=turn.upload_s,
        end_s=turn.end_s,
        download_bytes=sum(payload.size_bytes for payload, _ in turn.downloads),
        upload_bytes=sum(payload.size_bytes for payload, _ in turn.uploads),
        download_energy_j=turn.setup_energy_j + sum(transfer.energy_j for _, transfer in turn.downloads),
        compute_energy_j=turn.compute_energy_j,
        upload_energy_j=sum(transfer.energy_j for _, transfer in turn.uploads),
        idle_energy_j=idle_energy_j(turn.end_s - turn.start_s, group.profile),
        peak_memory_bytes=turn.peak_bytes,
        memory_budget_bytes=group.memory_budget_bytes,
        distance_m=float(links.distance_m[turn.device]),
        downlink_snr_db=float(links.downlink_snr_db[turn.device]),
        uplink_snr_db=float(links.uplink_snr_db[turn.device]),
    )


def transfer_rows(context: Context, number: int, turn: Turn) -> list[TransferRow]:
    """Return the rows of a turn's payloads, in the order in which they travelled."""
    return [
        TransferRow(
            **context.key,
            round=number,
            device=turn.device,
            station=context.world.cell_of(turn.device).name,
            direction=transfer.direction,
            payload=payload.name,
            payload_kind=payload.kind,
            start_s=transfer.start_s,
            end_s=transfer.end_s,
            size_bytes=transfer.size_bytes,
            wire_bytes=transfer.wire_bytes,
            energy_j=transfer.energy_j,
        )
        for payload, transfer in [*turn.downloads, *turn.uploads]
    ]


def round_row(context: Context, each: Round, clients: Sequence[ClientRow], quality: Quality | None) -> RoundRow:
    """Return the row of one round, summed over its turns."""
    outcomes = [row.outcome for row in clients]
    completed, refused = outcomes.count("completed"), outcomes.count("refused")
    return RoundRow(
        **context.key,
        round=each.number,
        sim_time_s=each.closed_at_s,
        accuracy=quality.accuracy if quality else None,
        loss=quality.loss if quality else None,
        uplink_bytes=sum(row.upload_bytes for row in clients),
        downlink_bytes=sum(row.download_bytes for row in clients),
        device_compute_energy_j=sum(row.compute_energy_j for row in clients),
        device_radio_energy_j=sum(row.download_energy_j + row.upload_energy_j for row in clients),
        device_idle_energy_j=sum(row.idle_energy_j for row in clients),
        server_energy_j=each.server_energy_j,
        selected=len(clients),
        completed=completed,
        refused=refused,
        lost=len(clients) - completed - refused,
    )


def energy_rows(context: Context, row: RoundRow) -> list[EnergyRow]:
    """Return a round's joules part by part."""
    parts = (
        ("devices", "compute", row.device_compute_energy_j),
        ("devices", "radio", row.device_radio_energy_j),
        ("devices", "idle", row.device_idle_energy_j),
        ("server", "compute", row.server_energy_j),
    )
    return [EnergyRow(**context.key, round=row.round, node=node, part=part, energy_j=joules) for node, part, joules in parts]


def summary_row(
    context: Context, rounds: Sequence[RoundRow], target_accuracy: float | None, facts: Mapping[str, Any]
) -> SummaryRow:
    """Return the trial's totals, and what it took to reach the target accuracy for the first time."""
    evaluated = [row for row in rounds if row.accuracy is not None]
    accuracies = [row.accuracy for row in evaluated if row.accuracy is not None]
    reached = next(
        (
            row
            for row in evaluated
            if target_accuracy is not None and row.accuracy is not None and row.accuracy >= target_accuracy
        ),
        None,
    )
    until = [row for row in rounds if reached is not None and row.round <= reached.round]
    return SummaryRow(
        **context.key,
        **facts,
        rounds=rounds[-1].round,
        sim_time_s=rounds[-1].sim_time_s,
        final_accuracy=accuracies[-1] if accuracies else None,
        best_accuracy=max(accuracies, default=None),
        final_loss=evaluated[-1].loss if evaluated else None,
        target_accuracy=target_accuracy,
        time_to_target_s=reached.sim_time_s if reached else None,
        device_energy_to_target_j=sum(map(device_energy_j, until)) if reached else None,
        uplink_bytes_to_target=sum(row.uplink_bytes for row in until) if reached else None,
        downlink_bytes_to_target=sum(row.downlink_bytes for row in until) if reached else None,
        uplink_bytes=sum(row.uplink_bytes for row in rounds),
        downlink_bytes=sum(row.downlink_bytes for row in rounds),
        device_compute_energy_j=sum(row.device_compute_energy_j for row in rounds),
        device_radio_energy_j=sum(row.device_radio_energy_j for row in rounds),
        device_idle_energy_j=sum(row.device_idle_energy_j for row in rounds),
        server_energy_j=sum(row.server_energy_j for row in rounds),
        turns=sum(row.selected for row in rounds),
        completed=sum(row.completed for row in rounds),
        refused=sum(row.refused for row in rounds),
        lost=sum(row.lost for row in rounds),
    )


def device_energy_j(row: RoundRow) -> float:
    """Return all joules that the devices of a round took."""
    return row.device_compute_energy_j + row.device_radio_energy_j + row.device_idle_energy_j

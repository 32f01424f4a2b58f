"""From the log of a simulated trial and its evaluations to the rows of the run folder."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mecsim.build.energy import Tariff
from mecsim.build.trial import RoundLog
from mecsim.control.objective import Objective
from mecsim.federation.turn import Turn
from mecsim.nodes.compute import idle_energy_j
from mecsim.nodes.station_power import backhaul_j, carbon_g
from mecsim.nodes.world import World
from mecsim.results.records import OUTCOMES, ClientRow, DiagnosticRow, EnergyRow, RoundRow, Row, SummaryRow, TransferRow


@dataclass(frozen=True, slots=True)
class Context:
    """What all rows of a trial share; ``key`` holds scheme, label, variant and seed."""

    key: Mapping[str, Any]
    world: World
    tariff: Tariff


@dataclass(frozen=True, slots=True)
class Quality:
    """What an evaluation gave; ``diagnostics`` is every number beside accuracy and loss, but no lists."""

    accuracy: float
    loss: float
    diagnostics: Mapping[str, float]

    @classmethod
    def of(cls, numbers: Mapping[str, Any]) -> "Quality":
        """Read the numbers of an evaluation's result."""
        # Sorted: a result from the store has its numbers in another order than a fresh one.
        named = {name: numbers[name] for name in sorted(numbers) if name not in ("accuracy", "loss", "n_samples")}
        rest = {name: float(number) for name, number in named.items() if not isinstance(number, list)}
        return cls(float(numbers["accuracy"]), float(numbers["loss"]), rest)


def world_rows(context: Context, rounds: Sequence[RoundLog]) -> dict[str, list[Row]]:
    """Return what the world alone says of one trial, by table; rounds are not evaluated yet."""
    rows: dict[str, list[Row]] = {"rounds": [], "clients": [], "transfers": [], "energy": []}
    for log in rounds:
        each = log.round
        clients = [client_row(context, each.number, turn) for turn in each.turns]
        row = round_row(context, log, clients)
        rows["rounds"].append(row)
        rows["clients"] += clients
        rows["transfers"] += [row for turn in each.turns for row in transfer_rows(context, each.number, turn)]
        rows["energy"] += energy_rows(context, log, row, clients)
    return rows


def learned_rows(
    key: Mapping[str, Any],
    rounds: Sequence[RoundRow],
    evaluations: Mapping[int, Quality],
    *,
    target_accuracy: float | None,
    facts: Mapping[str, Any],
    objective: Objective | None = None,
) -> dict[str, list[Row]]:
    """Return the rows of one trial that evaluations complete; ``facts`` are the summary's columns that are of no round."""
    known = [_evaluated(row, evaluations[row.round], objective) if row.round in evaluations else row for row in rounds]
    diagnostics = [
        DiagnosticRow(**key, round=number, name=name, value=value)
        for number, quality in evaluations.items()
        for name, value in quality.diagnostics.items()
    ]
    return {
        "rounds": list(known),
        "diagnostics": list(diagnostics),
        "summary": [summary_row(key, known, target_accuracy, facts)],
    }


def _evaluated(row: RoundRow, quality: Quality, objective: Objective | None) -> RoundRow:
    row = replace(row, accuracy=quality.accuracy, loss=quality.loss)
    if objective is None or row.round == 0:  # the server's preparation is no round that anybody decides on
        return row
    return replace(row, cost=objective.cost(quality.accuracy, row.sim_time_s - row.opened_at_s, device_energy_j(row)))


def client_row(context: Context, number: int, turn: Turn) -> ClientRow:
    """Return the row of one turn; the time of the connection's set-up counts as part of the download."""
    world, fleet = context.world, context.world.fleet
    profile = fleet.profile(turn.device)
    return ClientRow(
        **context.key,
        round=number,
        device=turn.device,
        group=fleet.group(turn.device).name,
        profile=profile.name,
        station=world.station_name(turn.link.station),
        outcome=turn.outcome,
        reason=turn.reason,
        n_samples=turn.n_samples,
        start_s=turn.start_s,
        download_s=turn.download_s,
        compute_s=turn.compute_s,
        upload_s=turn.upload_s,
        end_s=turn.end_s,
        download_bytes=sum(record.payload_bytes for _, record in turn.downloads),
        upload_bytes=sum(record.payload_bytes for _, record in turn.uploads),
        connect_energy_j=turn.radio.promotion_j + turn.radio.setup_j,
        download_energy_j=sum(record.energy_j for _, record in turn.downloads),
        compute_energy_j=turn.compute_energy_j,
        upload_energy_j=sum(record.energy_j for _, record in turn.uploads),
        tail_energy_j=turn.radio.tail_j,
        idle_energy_j=idle_energy_j(turn.end_s - turn.start_s, profile),
        handovers=sum(record.handovers for _, record in turn.transfers),
        staleness=turn.update.staleness if turn.update is not None else 0,
        peak_memory_bytes=turn.peak_bytes,
        memory_budget_bytes=fleet.memory_of(turn.device),
        distance_m=turn.link.distance_m,
        downlink_sinr_db=turn.link.downlink_sinr_db,
        uplink_sinr_db=turn.link.uplink_sinr_db,
        choice=turn.choice,
        age=turn.age,
        bandwidth=turn.assignment.bandwidth,
        power_db=turn.assignment.power_db,
    )


def transfer_rows(context: Context, number: int, turn: Turn) -> list[TransferRow]:
    """Return the rows of a turn's payloads, in the order in which they travelled."""
    return [
        TransferRow(
            **context.key,
            round=number,
            device=turn.device,
            station=record.station,
            direction=record.direction,
            payload=payload.name,
            payload_kind=payload.kind,
            start_s=record.start_s,
            end_s=record.end_s,
            size_bytes=record.size_bytes,
            wire_bytes=record.wire_bytes,
            carried_bytes=record.carried_bytes,
            complete=record.complete,
            handovers=record.handovers,
            energy_j=record.energy_j,
        )
        for payload, record in turn.transfers
    ]


def round_row(context: Context, log: RoundLog, clients: Sequence[ClientRow]) -> RoundRow:
    """Return the row of one round, summed over its turns, as long as it is not evaluated."""
    each, tariff = log.round, context.tariff
    counts: dict[str, Any] = {outcome: sum(row.outcome == outcome for row in clients) for outcome in OUTCOMES}
    compute_j, idle_j = sum(row.compute_energy_j for row in clients), sum(row.idle_energy_j for row in clients)
    radio_j = sum(map(radio_energy_j, clients))
    stations_j = station_dynamic_j(tariff, log)
    network_j = backhaul_j(log.backhaul_bits, kwh_per_gb=tariff.backhaul_kwh_per_gb)
    all_j = compute_j + radio_j + idle_j + each.server_energy_j + stations_j + network_j
    return RoundRow(
        **context.key,
        round=each.number,
        opened_at_s=each.opened_at_s,
        sim_time_s=each.closed_at_s,
        accuracy=None,
        loss=None,
        cost=None,
        uplink_bytes=sum(row.upload_bytes for row in clients),
        downlink_bytes=sum(row.download_bytes for row in clients),
        wasted_bytes=sum(row.upload_bytes + row.download_bytes for row in clients if row.outcome != "completed"),
        device_compute_energy_j=compute_j,
        device_radio_energy_j=radio_j,
        device_idle_energy_j=idle_j,
        server_energy_j=each.server_energy_j,
        station_energy_j=stations_j,
        backhaul_energy_j=network_j,
        carbon_g=carbon_g(all_j, tariff.carbon_g_per_kwh, start_s=each.opened_at_s, end_s=each.closed_at_s),
        selected=len(clients),
        **counts,
    )


def radio_energy_j(row: ClientRow) -> float:
    """Return what a device's radio took for a turn, in all its states."""
    return row.connect_energy_j + row.download_energy_j + row.upload_energy_j + row.tail_energy_j


def station_dynamic_j(tariff: Tariff, log: RoundLog) -> float:
    """Return what the study's downlink transfers of a round made the stations draw."""
    return sum(tariff.sending_w.get(name, 0.0) * busy_s for name, busy_s in log.station_airtime_s.items())


def energy_rows(context: Context, log: RoundLog, row: RoundRow, clients: Sequence[ClientRow]) -> list[EnergyRow]:
    """Return a round's joules part by part."""
    parts = (
        ("devices", "compute", row.device_compute_energy_j),
        ("devices", "idle", row.device_idle_energy_j),
        ("devices", "connect", sum(client.connect_energy_j for client in clients)),
        ("devices", "transfer", sum(client.download_energy_j + client.upload_energy_j for client in clients)),
        ("devices", "tail", sum(client.tail_energy_j for client in clients)),
        ("server", "compute", row.server_energy_j),
        ("stations", "dynamic", row.station_energy_j),
        ("stations", "static", context.tariff.static_w * (row.sim_time_s - row.opened_at_s)),
        ("backhaul", "transfer", row.backhaul_energy_j),
    )
    return [EnergyRow(**context.key, round=row.round, node=node, part=part, energy_j=joules) for node, part, joules in parts]


def summary_row(
    key: Mapping[str, Any], rounds: Sequence[RoundRow], target_accuracy: float | None, facts: Mapping[str, Any]
) -> SummaryRow:
    """Return the trial's totals, and what it took to reach the target accuracy for the first time."""
    evaluated = [row for row in rounds if row.accuracy is not None]
    accuracies = [_accuracy(row) for row in evaluated]
    reached = None if target_accuracy is None else next((row for row in evaluated if _accuracy(row) >= target_accuracy), None)
    has_costs = any(row.cost is not None for row in rounds)
    costs = [row.cost for row in rounds if row.cost is not None and (reached is None or row.round <= reached.round)]
    until = [row for row in rounds if reached is not None and row.round <= reached.round]
    return SummaryRow(
        **key,
        **facts,
        rounds=rounds[-1].round,
        sim_time_s=rounds[-1].sim_time_s,
        final_accuracy=accuracies[-1] if accuracies else None,
        best_accuracy=max(accuracies, default=None),
        final_loss=evaluated[-1].loss if evaluated else None,
        objective=math.fsum(costs) if has_costs else None,  # none are due where round 0 has reached the target
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
        station_energy_j=sum(row.station_energy_j for row in rounds),
        backhaul_energy_j=sum(row.backhaul_energy_j for row in rounds),
        carbon_g=sum(row.carbon_g for row in rounds),
        wasted_bytes=sum(row.wasted_bytes for row in rounds),
        turns=sum(row.selected for row in rounds),
        **{outcome: sum(getattr(row, outcome) for row in rounds) for outcome in OUTCOMES},
    )


def _accuracy(row: RoundRow) -> float:
    return -math.inf if row.accuracy is None else row.accuracy


def device_energy_j(row: RoundRow) -> float:
    """Return all joules that the devices of a round took."""
    return row.device_compute_energy_j + row.device_radio_energy_j + row.device_idle_energy_j

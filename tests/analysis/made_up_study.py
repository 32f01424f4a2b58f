"""A plausible run folder, made up: six schemes, fifteen rounds, twenty-four devices in three groups."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from mecsim.results.folder import write_run
from mecsim.results.reader import Run, open_run
from mecsim.results.records import OUTCOMES, ClientRow, DiagnosticRow, EnergyRow, RoundRow, SummaryRow, TransferRow, Trial

#: label -> (update bytes, accuracy it tends to, FLOP of a turn, peak memory)
SCHEMES = {
    "full": (343_000_000, 0.915, 9.1e13, 5.2e9),
    "head": (307_600, 0.801, 3.1e13, 0.9e9),
    "bias": (717_000, 0.884, 6.4e13, 1.5e9),
    "lora": (1_180_000, 0.902, 6.7e13, 1.7e9),
    "adapter": (3_580_000, 0.897, 6.9e13, 1.8e9),
    "prompt": (399_000, 0.846, 6.8e13, 2.1e9),
}
GROUPS = {"phones": ("phone", 3e9, 6e11), "laptops": ("laptop", 8e9, 2e12), "boxes": ("edge-box", 16e9, 8e12)}
N_ROUNDS, N_PER_GROUP, SELECTED, TARGET = 15, 8, 6, 0.85
SCENARIO = """\
schema: 1
name: demo
seed: 1
replications: 1
target_accuracy: 0.85
learning:
  model: vit-tiny
  account_as: vit-base-16
  dataset: {name: digits}
  partition: {kind: dirichlet, alpha: 0.5, clients: 24, min_samples: 10}
  local: {epochs: 1, batch_size: 16}
network:
  stations:
  - {name: bs-0, position_m: [100.0, 100.0], height_m: 10.0}
  - {name: bs-1, position_m: [300.0, 100.0], height_m: 10.0}
  - {name: bs-2, position_m: [200.0, 300.0], height_m: 10.0}
  carrier: {frequency_ghz: 3.5, bandwidth_mhz: 20.0, downlink_share: 0.6}
  path_loss: {kind: umi}
fleet:
  area_m: [400.0, 400.0]
  groups:
  - {profile: phone, count: 8, name: phones}
  - {profile: laptop, count: 8, name: laptops}
  - {profile: edge-box, count: 8, name: boxes}
server: {profile: rack}
protocol: {kind: sync, rounds: 15, clients_per_round: 6, evaluate_every: 1}
schemes:
- {name: full, label: full, rate: 0.01}
- {name: head, label: head, rate: 0.1}
- {name: bias, label: bias, rate: 0.1}
- {name: lora, label: lora, rate: 0.05, rank: 8}
- {name: adapter, label: adapter, rate: 0.05, width: 16}
- {name: prompt, label: prompt, rate: 0.05, tokens: 8}
"""
MANIFEST = {
    "name": "demo",
    "command": "mecsim run demo.yaml",
    "mecsim_version": "0.1.0",
    "versions": {"torch": "2.9.1", "numpy": "2.4.6"},
    "python": "3.11.9",
    "platform": "Linux-6.1-x86_64",
    "seeds": [1],
    "started_at": "2026-11-20T10:00:00+00:00",
    "real_seconds": 412.7,
    "jobs_run": 512,
    "jobs_reused": 88,
    "account_as": "vit-base-16",
    "reconstructions": ["prompt"],
    "host": "workstation",
}


def _clients(trial: dict, number: int, rng: np.random.Generator) -> list[ClientRow]:
    update, _, flop, peak = SCHEMES[trial["label"].split(" ")[0]]
    rows = []
    for device in sorted(rng.choice(3 * N_PER_GROUP, SELECTED, replace=False).tolist()):
        group = list(GROUPS)[device // N_PER_GROUP]
        profile, memory, speed = GROUPS[group]
        refused = peak > memory
        down, compute, up = (0.0, 0.0, 0.0) if refused else (update / 5e6, flop / speed, update / 2e6 * rng.uniform(0.7, 1.6))
        rows.append(
            ClientRow(
                **trial, round=number, device=device, group=group, profile=profile, station=f"bs-{device % 3}",
                outcome="refused" if refused else "completed",
                reason="memory" if refused else "", n_samples=120, start_s=0.0, download_s=down, compute_s=compute,
                upload_s=up, end_s=down + compute + up, download_bytes=0 if refused else update,
                upload_bytes=0 if refused else update, connect_energy_j=0.1, download_energy_j=down * 0.9,
                compute_energy_j=compute * 4.0, upload_energy_j=up * 1.6, tail_energy_j=0.2, idle_energy_j=0.3,
                handovers=0, staleness=0, peak_memory_bytes=peak, memory_budget_bytes=memory,
                distance_m=140.0, downlink_sinr_db=18.0, uplink_sinr_db=11.0,
            )
        )  # fmt: skip
    return rows


def _round(trial: dict, number: int, clock_s: float, clients: Sequence[ClientRow], rng: np.random.Generator) -> RoundRow:
    limit = SCHEMES[trial["label"].split(" ")[0]][1]
    accuracy = 0.1 + (limit - 0.1) * (1 - np.exp(-number / 3.2)) + (rng.normal(0, 0.006) if number else 0.0)
    completed = sum(client.outcome == "completed" for client in clients)
    return RoundRow(
        **trial, round=number, opened_at_s=0.0, sim_time_s=clock_s,
        accuracy=float(min(accuracy, 1.0)), loss=float(2.3 * (1 - accuracy)),
        uplink_bytes=sum(client.upload_bytes for client in clients),
        downlink_bytes=sum(client.download_bytes for client in clients), wasted_bytes=0,
        device_compute_energy_j=sum(client.compute_energy_j for client in clients),
        device_radio_energy_j=sum(client.upload_energy_j + client.download_energy_j for client in clients),
        device_idle_energy_j=sum(client.idle_energy_j for client in clients), server_energy_j=12.0,
        station_energy_j=3.0, backhaul_energy_j=0.0, carbon_g=0.1,
        selected=len(clients), completed=completed, late=0, refused=len(clients) - completed, lost=0, offline=0,
    )  # fmt: skip


def _summary(trial: dict, rounds: Sequence[RoundRow], account_as: str, target: float | None) -> SummaryRow:
    update, _, flop, peak = SCHEMES[trial["label"].split(" ")[0]]
    last = rounds[-1]
    hit = next((n for n, row in enumerate(rounds) if target is not None and row.accuracy >= target), None)
    until = rounds if hit is None else rounds[: hit + 1]
    energy = sum(r.device_compute_energy_j + r.device_radio_energy_j + r.device_idle_energy_j for r in until)
    total = {
        name: sum(getattr(row, name) for row in rounds) for name in RoundRow.__slots__ if name.endswith(("_j", "_bytes", "_g"))
    }
    counts = {name: sum(getattr(row, name) for row in rounds) for name in OUTCOMES}
    return SummaryRow(
        **trial, **total, **counts, account_as=account_as, rounds=len(rounds) - 1, sim_time_s=last.sim_time_s,
        final_accuracy=last.accuracy, best_accuracy=max(row.accuracy for row in rounds), final_loss=last.loss,
        target_accuracy=target, time_to_target_s=None if hit is None else rounds[hit].sim_time_s,
        device_energy_to_target_j=None if hit is None else energy,
        uplink_bytes_to_target=None if hit is None else sum(r.uplink_bytes for r in until),
        downlink_bytes_to_target=None if hit is None else sum(r.downlink_bytes for r in until),
        turns=sum(row.selected for row in rounds), refused_device_share=1 / 3 if peak > 3e9 else 0.0,
        trainable_parameters=update // 4, update_bytes=update, turn_flop=flop, peak_memory_bytes=peak,
        inference_flop=flop / 60,
    )  # fmt: skip


def _energy(row: RoundRow, trial: dict) -> list[EnergyRow]:
    parts = {"compute": row.device_compute_energy_j, "radio": row.device_radio_energy_j, "idle": row.device_idle_energy_j}
    return [EnergyRow(**trial, round=row.round, node="devices", part=part, energy_j=joules) for part, joules in parts.items()]


def _diagnostics(trial: dict, rounds: Sequence[RoundRow]) -> list[DiagnosticRow]:
    """Return the gap between what is deployed and what devices see, closing by half each round."""
    return [DiagnosticRow(**trial, round=row.round, name="gap", value=0.2 * 0.5**row.round) for row in rounds]


def _transfers(client: ClientRow, trial: dict) -> list[TransferRow]:
    return [
        TransferRow(
            **trial, round=client.round, device=client.device, station=client.station, direction="up", payload="update",
            payload_kind="update", start_s=client.end_s - client.upload_s, end_s=client.end_s, size_bytes=client.upload_bytes,
            wire_bytes=client.upload_bytes * 1.04, carried_bytes=client.upload_bytes * 1.04, complete=True, handovers=0,
            energy_j=client.upload_energy_j,
        )
    ]  # fmt: skip


def demo_tables(
    *,
    labels: Sequence[str] = tuple(SCHEMES),
    seeds: Sequence[int] = (1,),
    variants: Sequence[str] = ("",),
    account_as: str = "vit-base-16",
    target: float | None = TARGET,
) -> dict[str, list[Trial]]:
    """Return the tables of a made-up study."""
    tables: dict[str, list[Trial]] = {
        name: [] for name in ("rounds", "clients", "transfers", "energy", "diagnostics", "summary")
    }
    for variant in variants:
        for label in labels:
            for seed in seeds:
                rng = np.random.default_rng((seed, len(variant)))
                trial = {"scheme": label.split(" ")[0], "label": label, "variant": variant, "seed": seed}
                rounds = [_round(trial, 0, 0.0, (), rng)]
                for number in range(1, N_ROUNDS + 1):
                    clients = _clients(trial, number, rng)
                    clock_s = rounds[-1].sim_time_s + max(client.end_s for client in clients) + 1.0
                    rounds.append(_round(trial, number, clock_s, clients, rng))
                    tables["clients"] += clients
                    tables["transfers"] += [row for client in clients for row in _transfers(client, trial)]
                tables["energy"] += [row for done in rounds for row in _energy(done, trial)]
                tables["rounds"] += rounds
                tables["diagnostics"] += _diagnostics(trial, rounds)
                tables["summary"].append(_summary(trial, rounds, account_as, target))
    return tables


def write_demo(
    folder: Path,
    *,
    extras: Callable[[Path], None] | None = None,
    manifest: dict | None = None,
    scenario: str = SCENARIO,
    **study,
) -> Run:
    """Write a made-up study as a run folder, and open it."""
    manifest = {**MANIFEST, "seeds": list(study.get("seeds", (1,))), **(manifest or {})}
    write_run(folder, scenario_yaml=scenario, manifest=manifest, tables=demo_tables(**study), extras=extras)
    return open_run(folder)

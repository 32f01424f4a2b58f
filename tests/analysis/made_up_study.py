"""A plausible run folder, made up: six schemes, fifteen rounds, twenty-four devices in three groups; also as a sweep."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from mecsim.results.folder import write_run
from mecsim.results.reader import Run, open_run
from mecsim.results.records import (
    OUTCOMES,
    TABLES,
    ClientRow,
    CoverageRow,
    DeviceRow,
    DiagnosticRow,
    EnergyRow,
    GroupRow,
    RoundRow,
    Row,
    StationRow,
    SummaryRow,
    TransferRow,
    VariantRow,
)

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
#: Share of the turns of sweeps in which a device crashes.
LOST = 0.05
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


def _clients(trial: dict, number: int, start_s: float, rate: float, lost: float, rng: np.random.Generator) -> list[ClientRow]:
    """Return the turns of a round over a network ``rate`` times as fast as usual, a share ``lost`` of them ended by crashes."""
    update, _, flop, peak = SCHEMES[trial["label"].split(" ")[0]]
    rows = []
    for device in sorted(rng.choice(3 * N_PER_GROUP, SELECTED, replace=False).tolist()):
        group = list(GROUPS)[device // N_PER_GROUP]
        profile, memory, speed = GROUPS[group]
        luck = rng.uniform(0.7, 1.6)
        outcome, reason = ("refused", "memory") if peak > memory else ("completed", "")
        if outcome == "completed" and lost and rng.random() < lost:
            outcome, reason = "lost", "crash: the device crashed"
        down, compute, up = (
            (0.0, 0.0, 0.0) if outcome == "refused" else (update / 5e6 / rate, flop / speed, update / 2e6 * luck / rate)
        )
        up = up / 2 if outcome == "lost" else up
        received = 0 if outcome == "refused" else update
        rows.append(
            ClientRow(
                **trial, round=number, device=device, group=group, profile=profile, station=f"bs-{device % 3}",
                outcome=outcome, reason=reason, n_samples=120, start_s=start_s, download_s=down, compute_s=compute,
                upload_s=up, end_s=start_s + down + compute + up, download_bytes=received,
                upload_bytes=received // 2 if outcome == "lost" else received, connect_energy_j=0.1,
                download_energy_j=down * 0.9, compute_energy_j=compute * 4.0, upload_energy_j=up * 1.6, tail_energy_j=0.2,
                idle_energy_j=0.3, handovers=0, staleness=0, peak_memory_bytes=peak, memory_budget_bytes=memory,
                distance_m=140.0, downlink_sinr_db=18.0, uplink_sinr_db=11.0, choice=None, age=0, bandwidth=1.0, power_db=0.0,
            )
        )  # fmt: skip
    return rows


def _round(
    trial: dict, number: int, opened_at_s: float, clock_s: float, clients: Sequence[ClientRow], rng: np.random.Generator
) -> RoundRow:
    limit = SCHEMES[trial["label"].split(" ")[0]][1]
    accuracy = 0.1 + (limit - 0.1) * (1 - np.exp(-number / 3.2)) + (rng.normal(0, 0.006) if number else 0.0)
    counts = {outcome: sum(client.outcome == outcome for client in clients) for outcome in OUTCOMES}
    return RoundRow(
        **trial, round=number, opened_at_s=opened_at_s, sim_time_s=clock_s,
        accuracy=float(min(accuracy, 1.0)), loss=float(2.3 * (1 - accuracy)), cost=None,
        uplink_bytes=sum(client.upload_bytes for client in clients),
        downlink_bytes=sum(client.download_bytes for client in clients), wasted_bytes=0,
        device_compute_energy_j=sum(client.compute_energy_j for client in clients),
        device_radio_energy_j=sum(client.upload_energy_j + client.download_energy_j for client in clients),
        device_idle_energy_j=sum(client.idle_energy_j for client in clients), server_energy_j=12.0,
        station_energy_j=3.0, backhaul_energy_j=0.0, carbon_g=0.1,
        selected=len(clients), **counts,
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
        objective=None, target_accuracy=target, time_to_target_s=None if hit is None else rounds[hit].sim_time_s,
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
    if client.outcome == "refused":
        return []
    shared = {**trial, "round": client.round, "device": client.device, "station": client.station, "handovers": 0}
    begins_s = client.end_s - client.upload_s
    return [
        TransferRow(
            **shared, direction="downlink", payload=f"state-{client.round}", payload_kind="state", start_s=client.start_s,
            end_s=client.start_s + client.download_s, size_bytes=client.download_bytes,
            wire_bytes=client.download_bytes * 1.04, carried_bytes=client.download_bytes * 1.04, complete=True,
            energy_j=client.download_energy_j,
        ),
        TransferRow(
            **shared, direction="uplink", payload=f"update-{client.round}-{client.device}", payload_kind="update",
            start_s=begins_s, end_s=client.end_s, size_bytes=client.download_bytes,
            wire_bytes=client.download_bytes * 1.04, carried_bytes=client.upload_bytes * 1.04,
            complete=client.outcome == "completed", energy_j=client.upload_energy_j,
        ),
    ]  # fmt: skip


def _groups(trial: dict, rounds: Sequence[RoundRow]) -> list[GroupRow]:
    """Return accuracies by group: phones do worse by 5 points, boxes better by 3, laptops as all."""
    shifts = dict(zip(GROUPS, (-0.05, 0.0, 0.03), strict=True))
    return [
        GroupRow(
            **trial, round=row.round, group=group, n_devices=N_PER_GROUP, n_samples=960,
            accuracy=min(1.0, max(0.0, row.accuracy + shift)),
        )
        for row in rounds
        for group, shift in shifts.items()
    ]  # fmt: skip


def _places(variant: str, seed: int) -> dict[str, list[Row]]:
    """Return devices, stations and coverage of a world: places depend on the seed alone."""
    rng, world = np.random.default_rng(seed), {"variant": variant, "seed": seed}
    stations = {"bs-0": (100.0, 100.0), "bs-1": (300.0, 100.0), "bs-2": (200.0, 300.0)}
    tables: dict[str, list[Row]] = {"devices": [], "stations": [], "coverage": []}
    for name, (x_m, y_m) in stations.items():
        tables["stations"].append(
            StationRow(**world, station=name, x_m=x_m, y_m=y_m, height_m=10.0, tx_power_dbm=33.0, sectors=1, azimuth_deg=0.0)
        )
    for device in range(3 * N_PER_GROUP):
        group = list(GROUPS)[device // N_PER_GROUP]
        x_m, y_m = rng.uniform(0, 400, 2).tolist()
        tables["devices"].append(
            DeviceRow(
                **world, device=device, group=group, profile=GROUPS[group][0], x_m=x_m, y_m=y_m,
                station=_nearest(stations, x_m, y_m), n_samples=120, memory_budget_bytes=GROUPS[group][1],
            )
        )  # fmt: skip
    for x_m in np.arange(10.0, 400.0, 20.0).tolist() if seed == 1 else ():
        for y_m in np.arange(10.0, 400.0, 20.0).tolist():
            name = _nearest(stations, x_m, y_m)
            distance_m = np.hypot(stations[name][0] - x_m, stations[name][1] - y_m)
            sinr_db = float(28.0 - 36.7 * np.log10(max(distance_m, 10.0) / 40.0))
            tables["coverage"].append(CoverageRow(**world, x_m=x_m, y_m=y_m, station=name, downlink_sinr_db=sinr_db))
    return tables


def _nearest(stations: dict[str, tuple[float, float]], x_m: float, y_m: float) -> str:
    return min(stations, key=lambda name: np.hypot(stations[name][0] - x_m, stations[name][1] - y_m))


def demo_tables(
    *,
    labels: Sequence[str] = tuple(SCHEMES),
    seeds: Sequence[int] = (1,),
    variants: Sequence[str] = ("",),
    rates: Sequence[float] = (),
    lost: float = 0.0,
    account_as: str = "vit-base-16",
    target: float | None = TARGET,
) -> dict[str, list[Row]]:
    """Return the tables of a made-up study; ``rates`` say how fast the network of each variant is, against the usual one."""
    tables: dict[str, list[Row]] = {name: [] for name in TABLES}
    for position, variant in enumerate(variants):
        rate = rates[position] if rates else 1.0
        for label in labels:
            for seed in seeds:
                # Without rates variants differ by their luck alone; with them all have the same, as in a sweep over networks.
                rng = np.random.default_rng((seed, 0 if rates else len(variant)))
                trial = {"scheme": label.split(" ")[0], "label": label, "variant": variant, "seed": seed}
                rounds = [_round(trial, 0, 0.0, 0.0, (), rng)]
                for number in range(1, N_ROUNDS + 1):
                    opened_at_s = rounds[-1].sim_time_s
                    clients = _clients(trial, number, opened_at_s, rate, lost, rng)
                    clock_s = max(client.end_s for client in clients) + 1.0
                    rounds.append(_round(trial, number, opened_at_s, clock_s, clients, rng))
                    tables["clients"] += clients
                    tables["transfers"] += [row for client in clients for row in _transfers(client, trial)]
                tables["energy"] += [row for done in rounds for row in _energy(done, trial)]
                tables["rounds"] += rounds
                tables["diagnostics"] += _diagnostics(trial, rounds)
                tables["groups"] += _groups(trial, rounds)
                tables["summary"].append(_summary(trial, rounds, account_as, target))
        for seed in seeds:
            for name, rows in _places(variant, seed).items():
                tables[name] += rows
    return tables


def write_demo(
    folder: Path,
    *,
    extras: Callable[[Path], None] | None = None,
    manifest: dict | None = None,
    scenario: str = SCENARIO,
    variant_rows: Sequence[VariantRow] = (),
    **study,
) -> Run:
    """Write a made-up study as a run folder, and open it."""
    manifest = {**MANIFEST, "seeds": list(study.get("seeds", (1,))), **(manifest or {})}
    tables = {**demo_tables(**study), "variants": list(variant_rows)}
    write_run(folder, scenario_yaml=scenario, manifest=manifest, tables=tables, extras=extras)
    return open_run(folder)


def write_sweep(
    folder: Path,
    *,
    bandwidths_mhz: Sequence[float] = (2.0, 5.0, 20.0, 100.0),
    labels: Sequence[str] = ("full", "lora", "bias"),
    seeds: Sequence[int] = (1, 2, 3),
    **more,
) -> Run:
    """Write a made-up sweep over the width of the carrier: learning is the same at each, time and radio energy are not."""
    variants = [f"bandwidth_mhz={mhz:g}" for mhz in bandwidths_mhz]
    rows = [
        VariantRow(variant=name, axis="bandwidth_mhz", title="Bandwidth (MHz)", position=i, point=f"{mhz:g}", value=mhz)
        for i, (name, mhz) in enumerate(zip(variants, bandwidths_mhz, strict=True))
    ]
    rates = [mhz / 20.0 for mhz in bandwidths_mhz]
    return write_demo(folder, variant_rows=rows, variants=variants, rates=rates, lost=LOST, labels=labels, seeds=seeds, **more)


def write_grid(
    folder: Path,
    *,
    bandwidths_mhz: Sequence[float] = (5.0, 20.0, 100.0),
    fleets: Sequence[str] = ("equal", "mild", "wild"),
    labels: Sequence[str] = ("full", "lora", "bias"),
    seeds: Sequence[int] = (1, 2),
    **more,
) -> Run:
    """Write a made-up sweep with two axes, one of numbers and one of names."""
    variants, rates, rows = [], [], []
    for i, mhz in enumerate(bandwidths_mhz):
        for j, fleet in enumerate(fleets):
            variants.append(name := f"bandwidth_mhz={mhz:g}, fleet={fleet}")
            rates.append(mhz / 20.0 / (1 + j))
            rows.append(
                VariantRow(variant=name, axis="bandwidth_mhz", title="Bandwidth (MHz)", position=i, point=f"{mhz:g}", value=mhz)
            )
            rows.append(VariantRow(variant=name, axis="fleet", title="Fleet", position=j, point=fleet, value=None))
    return write_demo(folder, variant_rows=rows, variants=variants, rates=rates, lost=LOST, labels=labels, seeds=seeds, **more)

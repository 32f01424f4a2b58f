"""Rules over several keys, as plain functions of the parts that they concern."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Any, ParamSpec

from mecsim.config.entries import SchemeEntry
from mecsim.config.fleet import DeviceGroup
from mecsim.config.learning import LocalTraining
from mecsim.config.network import Carrier, HexagonalLayout, Layout, Station, StationRadio
from mecsim.config.partition import Partition
from mecsim.config.radio import Handover
from mecsim.config.scenario import PartialScenario
from mecsim.errors import Problem, suggestion

P = ParamSpec("P")
Found = Iterator[Problem]

_CHECKS: list[tuple[tuple[str, ...], tuple[str, ...], Callable[..., Found]]] = []


def run_checks(partial: PartialScenario) -> list[Problem]:
    """Run every check whose parts are all valid."""
    problems = [
        problem
        for keys, nullable, check in _CHECKS
        if all(key in partial for key in keys) and all(map(partial.is_valid, nullable))
        for problem in check(*(partial[key] for key in keys), *(partial.get(key) for key in nullable))
    ]
    problems += _unique_labels(partial.schemes.items())
    if "fleet.groups" in partial:
        problems += _enough_devices_for_each(partial.schemes.items(), partial["fleet.groups"])
    return problems


def _needs(*keys: str, nullable: tuple[str, ...] = ()) -> Callable[[Callable[P, Found]], Callable[P, Found]]:
    """Register a check of the values at ``keys``, none of them null, and at those of ``nullable`` behind them."""

    def register(check: Callable[P, Found]) -> Callable[P, Found]:
        _CHECKS.append((keys, nullable, check))
        return check

    return register


@_needs("network.stations", "fleet.area_m")
def _stations_in_area(stations: Sequence[Station], area_m: tuple[float, float]) -> Found:
    for i, station in enumerate(stations):
        if not all(0.0 <= at <= size for at, size in zip(station.position_m, area_m, strict=True)):
            yield Problem(
                f"network.stations.{i}.position_m",
                f"station {station.name!r} at {list(station.position_m)} is outside the {area_m[0]:g} x {area_m[1]:g} m",
                f"Choose x from 0 to {area_m[0]:g} and y from 0 to {area_m[1]:g}, or enlarge fleet.area_m.",
            )


@_needs(nullable=("network.stations", "network.layout"))
def _stations_or_a_layout(stations: Sequence[Station], layout: Layout | None) -> Found:
    if layout is not None and stations:
        yield Problem(
            "network.layout", "there are stations and a layout: one of the two says where stations are", "Remove one of them."
        )
    if layout is None and not stations:
        yield Problem(
            "network.stations",
            "there is no station, and no layout",
            "List stations with name, position_m, height_m and tx_power_dbm, or give a layout.",
        )


@_needs(nullable=("network.layout", "fleet.area_m"))
def _an_area(layout: Layout | None, area_m: tuple[float, float] | None) -> Found:
    if layout is None and area_m is None:
        yield Problem(
            "fleet.area_m", "this key is required where stations are listed", "Write the size of the map: [width, height]."
        )
    if layout is not None and area_m is not None:
        yield Problem("fleet.area_m", "the layout has an area of its own", "Leave the key out.")


@_needs("network.handover")
def _no_to_and_fro(handover: Handover) -> Found:
    margin_db = handover.offset_db + handover.hysteresis_db
    if margin_db < 0.0 and handover.time_to_trigger_ms == 0.0:
        yield Problem(
            "network.handover.time_to_trigger_ms",
            f"with offset and hysteresis that sum to {margin_db:g} dB, a device would go to and fro between two cells at once",
            "Raise offset_db, or write a time to trigger above 0.",
        )


@_needs("network.layout")
def _rows_that_wrap(layout: Layout) -> Found:
    if isinstance(layout, HexagonalLayout) and layout.wrap_around and layout.rows % 2:
        yield Problem(
            "network.layout.rows",
            f"{layout.rows} rows cannot wrap around: the last row would not fit to the first",
            f"Write an even number, such as {layout.rows + 1}, or wrap_around: false.",
        )


@_needs("network.carrier")
def _one_division_of_time(carrier: Carrier) -> Found:
    if (carrier.downlink_share is None) == (carrier.tdd is None):
        which = "neither downlink_share nor tdd is" if carrier.tdd is None else "both downlink_share and tdd are"
        yield Problem(
            "network.carrier", f"{which} given: one of the two divides the time", "Write downlink_share: 0.75, or tdd: DDDSU."
        )


@_needs("network.stations")
def _sectors_alike(stations: Sequence[Station]) -> Found:
    for i, station in enumerate(stations):
        if station.sectors != stations[0].sectors:
            yield Problem(
                f"network.stations.{i}.sectors",
                f"{station.name!r} has {station.sectors} sectors, and {stations[0].name!r} has {stations[0].sectors}",
                "Give all stations as many.",
            )


@_needs("network.stations")
def _sector_antennas(stations: Sequence[Station]) -> Found:
    for i, station in enumerate(stations):
        yield from _of_sectors(f"network.stations.{i}", station)


@_needs("network.layout")
def _sector_antennas_of_layout(layout: Layout) -> Found:
    yield from _of_sectors("network.layout.station", layout.station)


def _of_sectors(key: str, radio: StationRadio) -> Found:
    for name in ("azimuth_deg", "downtilt_deg") if radio.sectors == 1 else ():
        if getattr(radio, name) != StationRadio.model_fields[name].default:
            yield Problem(
                f"{key}.{name}",
                "an antenna all around has neither a direction nor a tilt",
                "Leave the key out, or write sectors: 3.",
            )


@_needs("faults.station_schedule", nullable=("network.stations", "network.layout"))
def _scheduled_stations(
    schedule: Sequence[tuple[str, float, float]], stations: Sequence[Station], layout: Layout | None
) -> Found:
    known = [station.name for station in stations]
    known += [f"cell-{i}" for i in range(layout.rows * layout.columns)] if layout is not None else []
    names = frozenset(known)
    for i, (name, start_s, end_s) in enumerate(schedule):
        if name not in names:
            yield Problem(f"faults.station_schedule.{i}.0", f"there is no station {name!r}", suggestion(name, known[:50]))
        if end_s <= start_s:
            yield Problem(
                f"faults.station_schedule.{i}.2",
                f"the outage ends at {end_s:g} s, and begins at {start_s:g} s",
                "Write [station, from second, to second], the second number larger.",
            )


@_needs("fleet.groups")
def _ordered_pairs(groups: Sequence[DeviceGroup]) -> Found:
    for i, group in enumerate(groups):
        pairs = {"mobility.speed_mps": getattr(group.mobility, "speed_mps", None)}
        pairs["battery.level"] = group.battery.level if group.battery else None
        for key, pair in pairs.items():
            if pair is not None and pair[0] > pair[1]:
                yield Problem(
                    f"fleet.groups.{i}.{key}", f"the least ({pair[0]:g}) is above the largest ({pair[1]:g})", "Swap them."
                )


@_needs("network.stations")
def _unique_stations(stations: Sequence[Station]) -> Found:
    yield from _repeated(((f"network.stations.{i}.name", station.name) for i, station in enumerate(stations)), "station")


@_needs("fleet.groups")
def _unique_groups(groups: Sequence[DeviceGroup]) -> Found:
    yield from _repeated(((f"fleet.groups.{i}.name", group.name) for i, group in enumerate(groups)), "group")


def _unique_labels(schemes: Iterable[tuple[int, SchemeEntry]]) -> Found:
    yield from _repeated(((f"schemes.{i}.label", scheme.label) for i, scheme in schemes), "scheme labelled")


@_needs("protocol.clients_per_round", "fleet.groups")
def _enough_devices(clients_per_round: int, groups: Sequence[DeviceGroup]) -> Found:
    n_devices = _count(groups)
    if clients_per_round > n_devices:
        yield Problem(
            "protocol.clients_per_round",
            f"{clients_per_round} devices are asked in a round, but the fleet has {n_devices}",
            f"Ask at most {n_devices}, or raise a count in fleet.groups.",
        )


@_needs("protocol.buffer", "fleet.groups")
def _enough_to_fill_a_buffer(buffer: int, groups: Sequence[DeviceGroup]) -> Found:
    n_devices = _count(groups)
    if buffer > n_devices:
        yield Problem(
            "protocol.buffer",
            f"a merge waits for {buffer} updates, but the fleet has {n_devices} devices, each at work once between two merges",
            f"Write at most {n_devices}, or raise a count in fleet.groups.",
        )


def _enough_devices_for_each(schemes: Iterable[tuple[int, SchemeEntry]], groups: Sequence[DeviceGroup]) -> Found:
    n_devices = _count(groups)
    for i, scheme in schemes:
        if (scheme.clients_per_round or 0) > n_devices:
            yield Problem(
                f"schemes.{i}.clients_per_round",
                f"{scheme.clients_per_round} devices are asked in a round, but the fleet has {n_devices}",
                f"Ask at most {n_devices}, or raise a count in fleet.groups.",
            )


@_needs("learning.partition", "fleet.groups")
def _one_shard_a_device(partition: Partition, groups: Sequence[DeviceGroup]) -> Found:
    n_devices = _count(groups)
    if partition.clients is not None and partition.clients != n_devices:
        yield Problem(
            "learning.partition.clients",
            f"the data are split into {partition.clients} shards, but the fleet has {n_devices} devices",
            f"Leave the key out, or write {n_devices}.",
        )


@_needs("learning.public_share", "learning.test_share")
def _something_to_train_on(public_share: float, test_share: float) -> Found:
    if public_share + test_share >= 1.0:
        yield Problem(
            "learning.public_share",
            f"public_share ({public_share:g}) and test_share ({test_share:g}) leave no samples for the devices",
            "Lower one of them; together they have to stay below 1.",
        )


@_needs("learning.local")
def _nesterov_needs_momentum(local: LocalTraining) -> Found:
    if local.optimizer == "sgd" and local.nesterov and local.momentum == 0.0:
        yield Problem(
            "learning.local.nesterov",
            "Nesterov's form is asked for, but the momentum is 0",
            "Write 'nesterov: false', or a momentum above 0.",
        )


def _count(groups: Sequence[DeviceGroup]) -> int:
    return sum(group.count for group in groups)


def _repeated(names: Iterable[tuple[str, Hashable]], what: str) -> Found:
    first: dict[Any, str] = {}
    for key, name in names:
        if name in first:
            yield Problem(key, f"there is a {what} {name!r} already, at {first[name]}", "Give each a name of its own.")
        first.setdefault(name, key)

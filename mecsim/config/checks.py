"""Rules over several keys, as plain functions of the parts that they concern."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Any, ParamSpec

from mecsim.config.entries import SchemeEntry
from mecsim.config.fleet import DeviceGroup
from mecsim.config.learning import LocalTraining
from mecsim.config.network import Station
from mecsim.config.partition import Partition
from mecsim.config.scenario import PartialScenario
from mecsim.errors import Problem

P = ParamSpec("P")
Found = Iterator[Problem]

_CHECKS: list[tuple[tuple[str, ...], Callable[..., Found]]] = []


def run_checks(partial: PartialScenario) -> list[Problem]:
    """Run every check whose parts are all valid."""
    problems = [
        problem
        for keys, check in _CHECKS
        if all(key in partial for key in keys)
        for problem in check(*(partial[key] for key in keys))
    ]
    problems += _unique_labels(partial.schemes.items())
    if "fleet.groups" in partial:
        problems += _enough_devices_for_each(partial.schemes.items(), partial["fleet.groups"])
    return problems


def _needs(*keys: str) -> Callable[[Callable[P, Found]], Callable[P, Found]]:
    def register(check: Callable[P, Found]) -> Callable[P, Found]:
        _CHECKS.append((keys, check))
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

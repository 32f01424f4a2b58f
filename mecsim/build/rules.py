"""What the physics asks of a scenario: rules that need the models themselves, and warnings where a model is stretched."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from mecsim.build.behaviour import movement_rows, recorded_movement, recorded_sessions
from mecsim.build.energy import read_intensity
from mecsim.build.fleet import drawn_from, profile_of, profile_of_group
from mecsim.build.measured import build_measured
from mecsim.build.network import carrier_spec, law_of, path_loss_of, time_shares
from mecsim.build.stations import Placed, farthest_m, placed
from mecsim.config.behaviour import TraceAvailability, TraceMovement
from mecsim.config.fleet import DeviceGroup
from mecsim.config.network import Carrier, Network
from mecsim.config.radio import PathLoss
from mecsim.config.scenario import PartialScenario, Scenario
from mecsim.errors import MecsimError, Problem
from mecsim.nodes.radio_network import Direction
from mecsim.radio.numerology import CarrierError
from mecsim.radio.ranges import range_warnings

Found = Iterator[Problem]

_FIRST = np.zeros(1, dtype=np.int64)


def physics(scenario: PartialScenario) -> Iterable[Problem]:
    """Report what no world can be built of: a carrier that there is not, a model out of its range, a file of something else."""
    carrier, path_loss = scenario.get("network.carrier"), scenario.get("network.path_loss")
    if carrier is not None:
        yield from _carrier(carrier)
    if path_loss is not None and path_loss.indoors is not None and path_loss.kind.startswith("inh"):
        yield Problem(
            "network.path_loss.indoors", f"stations of {path_loss.kind!r} are indoors themselves", "Leave the key out."
        )
    if carrier is not None and path_loss is not None:
        yield from _frequency(carrier.frequency_ghz, path_loss)
    if (trace := scenario.get("network.trace")) is not None:
        yield from _readable("network.trace.files", lambda: build_measured(trace))
    for index, group in enumerate(scenario.get("fleet.groups") or ()):
        yield from _group(f"fleet.groups.{index}", group)
    if (server := scenario.get("server.profile")) is not None:
        yield from _readable("server.profile", lambda: profile_of(server))
    if (intensity := scenario.get("energy.carbon_trace")) is not None:
        yield from _readable("energy.carbon_trace", lambda: read_intensity(intensity))


def _carrier(carrier: Carrier) -> Found:
    if (carrier.downlink_share is None) == (carrier.tdd is None):
        return  # another rule reports it
    try:
        time_shares(carrier)
    except CarrierError as error:
        yield Problem("network.carrier.tdd", str(error), "Have both D and U in the pattern, such as DDDSU.")
        return
    try:
        carrier_spec(carrier)
    except CarrierError as error:
        yield Problem("network.carrier", str(error), "Choose a width and a spacing that exist together.")


def _frequency(frequency_ghz: float, config: PathLoss) -> Found:
    lowest, highest = path_loss_of(config).frequency_range_ghz
    if not lowest <= frequency_ghz <= highest:
        covered = f"at {lowest:g}" if lowest == highest else f"from {lowest:g} to {highest:g}"
        yield Problem(
            "network.carrier.frequency_ghz",
            f"path loss {config.kind!r} holds {covered} GHz, and the carrier is at {frequency_ghz:g} GHz",
            "Choose another frequency or another path_loss.kind.",
        )
    if config.indoors is not None and config.indoors.building == "simple" and frequency_ghz >= 6.0:
        yield Problem(
            "network.path_loss.indoors.building",
            f"simple walls hold below 6 GHz, and the carrier is at {frequency_ghz:g} GHz",
            "Write low or high.",
        )


def _group(key: str, group: DeviceGroup) -> Found:
    problems = list(_readable(f"{key}.profile", lambda: profile_of(group.profile)))
    yield from problems
    if not problems:
        yield from _machines(key, group)
    if isinstance(group.mobility, TraceMovement):
        movement = group.mobility
        yield from _readable(f"{key}.mobility.files", lambda: recorded_movement(movement, _FIRST))
    if isinstance(group.availability, TraceAvailability):
        sessions = group.availability
        yield from _readable(f"{key}.availability.files", lambda: recorded_sessions(sessions, _FIRST))


def _machines(key: str, group: DeviceGroup) -> Found:
    """Report devices that cannot be made of the group's profile: from a file, or without the capacity of a battery."""
    makes = [profile_of_group(group)]
    if group.devices is not None:
        path = group.devices
        problems = list(_readable(f"{key}.devices", lambda: makes.extend(drawn_from(path, profile_of_group(group)))))
        yield from problems
        makes = makes if problems else makes[1:]
    without = next((make.name for make in makes if make.battery_wh is None), None)
    if group.battery is not None and without is not None:
        yield Problem(f"{key}.battery.capacity_wh", f"the profile {without!r} has no battery", "Write the capacity in Wh.")


def _readable(key: str, read: Callable[[], object]) -> Found:
    try:
        read()
    except (MecsimError, ValueError) as error:
        yield Problem(key, str(error).replace("\n", "\n    "), "Correct the file, or name another one.")


def warnings_of(scenario: Scenario) -> list[str]:
    """Return a sentence for each range that a model of the scenario does not cover, and for what else is stretched."""
    stations, network = placed(scenario), scenario.network
    sentences = range_warnings(
        path_loss_of(network.path_loss),
        frequency_ghz=network.carrier.frequency_ghz,
        largest_distance_m=farthest_m(stations),
        bs_heights_m=sorted({radio.height_m for radio in stations.radios}),
        ue_height_m=network.devices.height_m,
    )
    return [*sentences, *_strays(scenario, stations), *_overloads(network)]


def warnings_of_all(scenarios: Iterable[Scenario]) -> list[str]:
    """Return what ``warnings_of`` says of any of ``scenarios``, each sentence once."""
    return list(dict.fromkeys(warning for scenario in scenarios for warning in warnings_of(scenario)))


def _strays(scenario: Scenario, stations: Placed) -> Iterator[str]:
    """Yield a sentence for each group whose recorded movement leaves the map."""
    for group in scenario.fleet.groups:
        if isinstance(group.mobility, TraceMovement):
            rows = movement_rows(group.mobility.files, group.mobility.preset)
            west_m, east_m = float(rows.x_m.min()), float(rows.x_m.max())
            south_m, north_m = float(rows.y_m.min()), float(rows.y_m.max())
            width_m, height_m = stations.area_m
            if min(west_m, south_m) < 0.0 or east_m > width_m or north_m > height_m:
                yield (
                    f"group {group.name!r} moves from [{west_m:.0f}, {south_m:.0f}] to [{east_m:.0f}, {north_m:.0f}] m by its "
                    f"trace, and the map is {width_m:g} x {height_m:g} m from [0, 0]"
                )


def _overloads(network: Network) -> Iterator[str]:
    """Yield a sentence for each direction in which other people's traffic alone is more than a cell can carry."""
    config, carrier = network.background, carrier_spec(network.carrier)
    if config is None:
        return
    best_hz: dict[Direction, float] = {
        "downlink": carrier.bandwidth_hz * carrier.downlink_share * (1.0 - carrier.downlink_overhead),
        "uplink": carrier.bandwidth_hz * carrier.uplink_share * (1.0 - carrier.uplink_overhead),
    }
    offered_mbps = 8.0 * config.mean_mb * config.arrivals_per_s
    for direction in config.directions:
        carried_mbps = law_of(network.link_adaptation, direction).max_se * best_hz[direction] / 1e6
        if offered_mbps >= carried_mbps:
            yield (
                f"background traffic of {offered_mbps:.3g} Mbit/s {direction} is more than the {carried_mbps:.3g} Mbit/s that "
                "a cell carries at best: it piles up, and transfers of the study may never end"
            )

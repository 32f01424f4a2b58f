"""The one place where configuration meets code: a scenario becomes fleets, worlds and running trials."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, assert_never

import numpy as np
import simpy

from mecsim.config.fleet import DeviceGroup
from mecsim.config.network import ErgodicFading, NoFading
from mecsim.config.network import Transport as TransportConfig
from mecsim.config.scenario import Scenario, TrialSeeds
from mecsim.control.selection import uniform
from mecsim.federation.contract import Offer, Refusal, Scheme
from mecsim.federation.sync import Round, run_synchronous
from mecsim.federation.turn import client_view, memory_refusal
from mecsim.jobs.job import Job
from mecsim.nodes.channel import CarrierSpec, FleetLinks, StationSite, link_columns
from mecsim.nodes.fleet import Fleet, Group
from mecsim.nodes.profiles import PROFILES
from mecsim.nodes.transport import Transport
from mecsim.nodes.world import World
from mecsim.rng import Streams


class Learning(Protocol):
    """What the study needs of the learning room: names of jobs and schemes over them. Nothing here trains."""

    def partition(self, scenario: Scenario, seeds: TrialSeeds) -> Job:
        """Return the job that deals the data to the devices; its numbers have ``n_samples``, one a device."""
        ...

    def cost_sheets(self, scenario: Scenario, index: int) -> Mapping[str, Job]:
        """Return the jobs that price scheme ``index`` of the scenario, by the names that the scheme knows them by."""
        ...

    def scheme(
        self,
        scenario: Scenario,
        index: int,
        seeds: TrialSeeds,
        dealt: Mapping[str, Any],
        sheets: Mapping[str, Mapping[str, Any]],
    ) -> Scheme:
        """Return scheme ``index``, ready for its first round; ``dealt`` and ``sheets`` are the numbers of those jobs."""
        ...


@dataclass(frozen=True, slots=True)
class Simulated:
    """A trial whose world has run: its rounds, each with the evaluation that it names."""

    world: World
    scheme: Scheme
    rounds: tuple[Round, ...]


def simulate(
    scenario: Scenario, scheme: Scheme, links: FleetLinks, *, seeds: TrialSeeds, n_samples: Sequence[int], n_asked: int
) -> Simulated:
    """Run the world of one trial to its end over the ``links`` of its seed, asking ``n_asked`` devices a round.

    No job is executed.
    """
    env = simpy.Environment()
    streams = Streams(seeds.world)
    world = build_world(env, scenario, links)
    protocol = scenario.protocol
    rounds: list[Round] = []
    env.process(
        run_synchronous(
            world,
            scheme,
            n_rounds=protocol.rounds,
            evaluate_every=protocol.evaluate_every,
            select=lambda number: uniform(streams, round_number=number, n_devices=len(world.fleet), n_selected=n_asked),
            n_samples=lambda device: n_samples[device],
            log=rounds.append,
        )
    )
    env.run()
    return Simulated(world, scheme, tuple(rounds))


def build_world(env: simpy.Environment, scenario: Scenario, links: FleetLinks) -> World:
    """Return the world of the scenario, in which nothing has happened yet."""
    network = scenario.network
    return World(
        env,
        fleet=build_fleet(scenario, links),
        station_names=[station.name for station in network.stations],
        transport=_transport(network.transport, network.backhaul.delay_ms),
        backhaul_rate_bps=1e9 * network.backhaul.rate_gbps,
        server=PROFILES[scenario.server.profile],
    )


def build_fleet(scenario: Scenario, links: FleetLinks) -> Fleet:
    """Return the devices, which hold nothing yet."""
    groups = scenario.fleet.groups
    group_of = np.repeat(np.arange(len(groups)), [group.count for group in groups])
    return Fleet(tuple(build_group(group) for group in groups), group_of, links)


def build_links(scenario: Scenario, streams: Streams) -> FleetLinks:
    """Return the links of devices at places drawn uniformly over the area; schemes of one seed share them."""
    network, fleet = scenario.network, scenario.fleet
    positions_m = np.stack(
        [streams.get("position", device).uniform((0.0, 0.0), fleet.area_m) for device in range(fleet.n_devices)]
    )
    return link_columns(
        positions_m,
        [
            StationSite(
                name=station.name,
                x_m=station.position_m[0],
                y_m=station.position_m[1],
                height_m=station.height_m,
                tx_power_dbm=station.tx_power_dbm,
                antenna_gain_dbi=station.antenna_gain_dbi,
                noise_figure_db=station.noise_figure_db,
            )
            for station in network.stations
        ],
        CarrierSpec(
            frequency_hz=1e9 * network.carrier.frequency_ghz,
            bandwidth_hz=1e6 * network.carrier.bandwidth_mhz,
            downlink_share=network.carrier.downlink_share,
        ),
        network.path_loss.kind,
        streams,
        diversity=_diversity(network.fading),
        ue_height_m=network.devices.height_m,
        ue_tx_power_dbm=network.devices.tx_power_dbm,
        ue_antenna_gain_dbi=network.devices.antenna_gain_dbi,
        ue_noise_figure_db=network.devices.noise_figure_db,
    )


def build_group(config: DeviceGroup) -> Group:
    """Return a group; memory given in the scenario replaces the profile's, of which the same share is usable."""
    profile = PROFILES[config.profile]
    memory_bytes = profile.memory_bytes if config.memory_gb is None else 1e9 * config.memory_gb
    return Group(config.name, profile, profile.usable_memory * memory_bytes)


def scheme_facts(simulated: Simulated, n_samples: Sequence[int]) -> dict[str, Any]:
    """Return the summary's columns that do not come from the rounds: what the scheme asks of the devices at the end."""
    world, facts = simulated.world, simulated.scheme.facts()
    last_round = simulated.rounds[-1].number
    offers, n_left_out = [], 0
    for device in range(len(world.fleet)):
        view = client_view(world, device=device, n_samples=n_samples[device], round_number=last_round)
        offer = simulated.scheme.offer(view)
        if isinstance(offer, Refusal) or memory_refusal(offer, view.memory_budget_bytes):
            n_left_out += 1
        if isinstance(offer, Offer):
            offers.append(offer)
    sent = [payload.size_bytes for each in simulated.rounds for turn in each.turns for payload, _ in turn.uploads]
    sent += [offer.sends.size_bytes for offer in offers if offer.sends is not None]
    return {
        "account_as": facts.account_as,
        "refused_device_share": n_left_out / len(world.fleet),
        "trainable_parameters": facts.trainable_parameters,
        "update_bytes": max(sent, default=0),
        "turn_flop": sum(offer.work.flop for offer in offers) / max(1, len(offers)),
        "peak_memory_bytes": float(max((offer.work.peak_bytes for offer in offers), default=0.0)),
        "inference_flop": facts.inference_flop,
    }


def _transport(config: TransportConfig, backhaul_delay_ms: float) -> Transport:
    return Transport(
        radio_overhead=config.radio_overhead,
        backhaul_overhead=config.backhaul_overhead,
        efficiency=config.efficiency,
        n_setup_rtts=config.setup_rtts,
        ran_rtt_s=1e-3 * config.ran_rtt_ms,
        backhaul_delay_s=1e-3 * backhaul_delay_ms,
    )


def _diversity(config: ErgodicFading | NoFading) -> int | None:
    match config:
        case ErgodicFading(diversity=diversity):
            return diversity
        case NoFading():
            return None
        case _:
            assert_never(config)

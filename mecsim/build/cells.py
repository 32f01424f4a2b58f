"""From the section ``network`` to cells, handover, interference, transport: the radio of a world."""

import simpy

from mecsim.build.network import build_budget
from mecsim.config.network import Network
from mecsim.config.network import Transport as TransportConfig
from mecsim.config.radio import (
    BlockFading,
    CoupledInterference,
    Fading,
    LoadInterference,
    NoInterference,
    WeightedSharing,
)
from mecsim.config.scenario import Scenario
from mecsim.nodes.budget import Activity, LinkBudget
from mecsim.nodes.channel import Channel
from mecsim.nodes.faults import Faults
from mecsim.nodes.mobility import Mobility
from mecsim.nodes.radio_network import Cell, RadioNetwork
from mecsim.nodes.radio_rules import FadingBlocks, HandoverRules, MeasuredRates
from mecsim.nodes.transport import Transport
from mecsim.nodes.world import FlowRules
from mecsim.radio.handover import A3Event
from mecsim.radio.path_loss import PathLossModel
from mecsim.radio.planned_link import make_link
from mecsim.rng import Streams


def build_radio(
    env: simpy.Environment,
    scenario: Scenario,
    channel: Channel,
    mobility: Mobility,
    streams: Streams,
    *,
    faults: Faults | None,
    measured: MeasuredRates | None,
) -> RadioNetwork:
    """Return the radio of a world in which nothing has happened yet."""
    network = scenario.network
    budget = build_budget(network, channel)
    return RadioNetwork(
        env,
        budget,
        _cells(env, network, channel),
        mobility,
        handover=_handover(network),
        activity=_activity(network, budget),
        coupled=isinstance(network.interference, CoupledInterference),
        faults=faults,
        stations_fail=bool(scenario.faults.station_outage_per_hour or scenario.faults.station_schedule),
        blocks=_blocks(network.fading, channel.model),
        streams=streams,
        measured=measured,
        measured_is_shared=network.trace is not None and not network.trace.contains_sharing,
    )


def _cells(env: simpy.Environment, network: Network, channel: Channel) -> list[Cell]:
    sharing, caps = network.sharing, network.transport.loss_rate is not None
    names = [
        site.name if site.n_cells == 1 else f"{site.name}/{sector}" for site in channel.sites for sector in range(site.n_cells)
    ]
    links = [
        [make_link(env, sharing.kind, caps=caps, max_flows=sharing.max_flows) for _ in ("downlink", "uplink")] for _ in names
    ]
    return [Cell(name, *pair) for name, pair in zip(names, links, strict=True)]


def _handover(network: Network) -> HandoverRules:
    config = network.handover
    event = A3Event(
        offset_db=config.offset_db, hysteresis_db=config.hysteresis_db, time_to_trigger_s=1e-3 * config.time_to_trigger_ms
    )
    return HandoverRules(
        event=event,
        interruption_s=1e-3 * config.interruption_ms,
        transfers=config.transfers,
        sampled_every_m=config.sampled_every_m,
    )


def _activity(network: Network, budget: LinkBudget) -> Activity:
    match network.interference:
        case LoadInterference(load=load, uplink_rise_db=rise_db) if budget.channel.n_cells > 1:
            return budget.constant_activity(load, rise_db)
        case LoadInterference() | NoInterference() | CoupledInterference():
            return budget.no_activity()


def _blocks(config: Fading, model: PathLossModel) -> FadingBlocks | None:
    if not isinstance(config, BlockFading):
        return None
    return FadingBlocks(
        diversity=config.diversity,
        rician_k_db=model.rician_k_db if config.rician else None,
        shortest_s=config.shortest_s,
        slowest_mps=config.slowest_mps,
    )


def build_transport(config: TransportConfig, backhaul_delay_ms: float) -> Transport:
    """Return how payloads are carried."""
    return Transport(
        radio_overhead=config.radio_overhead,
        backhaul_overhead=config.backhaul_overhead,
        efficiency=config.efficiency,
        n_setup_rtts=config.setup_rtts,
        ran_rtt_s=1e-3 * config.ran_rtt_ms,
        backhaul_delay_s=1e-3 * backhaul_delay_ms,
        slow_start=config.slow_start,
        loss_rate=config.loss_rate,
        give_up_s=config.give_up_s,
    )


def flow_rules(network: Network) -> FlowRules:
    """Return how the study's transfers share a cell."""
    weight = network.sharing.study_weight if isinstance(network.sharing, WeightedSharing) else 1.0
    return FlowRules(weight=weight, uplink_power_limited=network.sharing.kind in ("fdma", "min-max"))


def background_weight(network: Network) -> float:
    """Return the weight of other people's transfers."""
    return network.sharing.background_weight if isinstance(network.sharing, WeightedSharing) else 1.0

"""From the section ``network.background`` to other people's transfers in every cell."""

from mecsim.build.cells import background_weight
from mecsim.build.stations import placed
from mecsim.config.radio import BackgroundTraffic as BackgroundConfig
from mecsim.config.scenario import Scenario
from mecsim.nodes.background import BackgroundTraffic, run_background
from mecsim.nodes.world import World
from mecsim.rng import Streams

# Places from which the traffic has its rates.
_N_PLACES = 200


def start_background(world: World, scenario: Scenario, streams: Streams) -> None:
    """Let other people's transfers begin in every cell, with rates as users spread over the area would have them."""
    config = scenario.network.background
    if config is None:
        return
    traffic = _traffic(config, background_weight(scenario.network))
    area_m, channel, budget = placed(scenario).area_m, world.radio.budget.channel, world.radio.budget
    spots_m = streams.get("background", "places").random((_N_PLACES, 2)) * area_m
    reception = channel.receive_outdoors(spots_m)
    links = budget.links(reception, budget.strongest(reception), world.radio.activity)
    rates = {"downlink": links.downlink_rate_bps, "uplink": links.uplink_rate_bps}
    for number, cell in enumerate(world.radio.cells):
        for direction in config.directions:
            served = rates[direction][(links.cell == number) & (rates[direction] > 0.0)]
            anywhere = rates[direction][rates[direction] > 0.0]
            if len(anywhere):
                draws = streams.get("background", cell.name, direction)
                column = served if len(served) else anywhere
                world.env.process(run_background(world.env, cell.link(direction), traffic, column, draws))


def _traffic(config: BackgroundConfig, weight: float) -> BackgroundTraffic:
    return BackgroundTraffic(
        arrivals_per_s=config.arrivals_per_s,
        size_law=config.size_law,
        mean_bytes=1e6 * config.mean_mb,
        pareto_shape=config.pareto_shape,
        weight=weight,
    )

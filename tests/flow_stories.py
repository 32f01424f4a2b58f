"""Ways to let flows run over a link, for the tests of everything that shares one."""

import math
from functools import partial

import simpy

from mecsim.radio.planned_link import make_link

# Both links with equal shares: what is true of one is true of the other.
EQUAL_LINKS = {"virtual-time": partial(make_link, kind="equal"), "planned": partial(make_link, kind="equal", caps=True)}


def run_flows(make, flows):
    """Run (start_s, bits, full_rate_bps[, options]) over ``make(env)``; return the link and (index, end_s) as they end."""
    env = simpy.Environment()
    link, log = make(env), []

    def one(index, start_s, bits, full_rate_bps, options=None):
        yield env.timeout(start_s)
        yield link.start(bits, full_rate_bps, **(options or {})).done
        log.append((index, env.now))

    for index, flow in enumerate(flows):
        env.process(one(index, *flow))
    env.run()
    return link, log


def play(make, script):
    """Play a script of (pause_s, action, ...) over ``make(env)``; return what could be seen of it.

    Actions are ("start", bits, full_rate_bps, options), ("rate", number, full_rate_bps) and ("stop", number); the number of a
    flow is taken modulo those that have been started. The end of a flow that has none is infinite.
    """
    env = simpy.Environment()
    link, flows, ends_s, left_at_stop = make(env), [], {}, {}

    def director():
        for pause_s, action, *arguments in script:
            yield env.timeout(pause_s)
            if action == "start":
                bits, full_rate_bps, options = arguments
                flows.append(link.start(bits, full_rate_bps, **options))
                flows[-1].done.callbacks.append(lambda _, flow=flows[-1]: ends_s.setdefault(flow, env.now))
            elif flows and action == "rate":
                link.set_rate(flows[arguments[0] % len(flows)], arguments[1])
            elif flows:
                number = arguments[0] % len(flows)
                left_at_stop.setdefault(number, link.stop(flows[number]))

    env.process(director())
    env.run()
    left_bits = [left_at_stop.get(number, link.left_bits(flow)) for number, flow in enumerate(flows)]
    seen = {
        "ends_s": [ends_s.get(flow, math.inf) for flow in flows],
        "left_bits": left_bits,
        "delivered_bits": link.delivered_bits,
        "busy_s": link.busy_s,
        "n_active": link.n_active,
    }
    return seen, flows

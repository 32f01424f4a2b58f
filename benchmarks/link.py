"""The shared link by virtual time against the plain recomputation of every rate: ``python -m benchmarks.link``.

Both carry the same flows and must end them at the same times; what counts is the ratio of their real times.
"""

import time

import numpy as np
import simpy

from mecsim.radio.link import SharedLink

FLOWS = (10, 100, 1_000)


class RecomputedLink:
    """Every arrival and departure moves the bits of all flows and plans again: O(n) an event."""

    def __init__(self, env):
        self._env, self._flows, self._plan, self._last_s = env, [], 0, 0.0

    def transfer(self, bits, full_rate_bps):
        self._settle()
        done = self._env.event()
        self._flows.append([bits, full_rate_bps, done])
        self._replan()
        return done

    def _settle(self):
        elapsed_s, self._last_s = self._env.now - self._last_s, self._env.now
        for flow in self._flows:
            flow[0] -= elapsed_s * flow[1] / len(self._flows)

    def _replan(self):
        self._plan += 1
        if self._flows:
            flow = min(self._flows, key=lambda each: each[0] / each[1])
            wait_s = max(0.0, flow[0] / flow[1] * len(self._flows))
            self._env.timeout(wait_s, (self._plan, flow)).callbacks.append(self._on_timer)

    def _on_timer(self, timer):
        plan, flow = timer.value
        if plan == self._plan:
            self._settle()
            self._flows.remove(flow)
            flow[2].succeed()
            self._replan()


def run(link_type, n_flows):
    """Return the finish times of ``n_flows`` that start within a second, and the real seconds that it took."""
    draw = np.random.default_rng(n_flows)
    starts, bits, rates = draw.uniform(0, 1, n_flows), draw.uniform(1e5, 1e7, n_flows), draw.uniform(1e6, 1e8, n_flows)
    env, ends = simpy.Environment(), np.zeros(n_flows)
    link = link_type(env)

    def flow(index):
        yield env.timeout(starts[index])
        yield link.transfer(bits[index], rates[index])
        ends[index] = env.now

    for index in range(n_flows):
        env.process(flow(index))
    started = time.perf_counter()
    env.run()
    return ends, time.perf_counter() - started


def best(link_type, n_flows):
    """Return the finish times, and the least real seconds of ten repetitions."""
    runs = [run(link_type, n_flows) for _ in range(10)]
    return runs[0][0], min(seconds for _, seconds in runs)


def main():
    print(f"{'flows':>6} {'virtual time':>14} {'recomputed':>12} {'ratio':>7}")
    for n_flows in FLOWS:
        ends, seconds = best(SharedLink, n_flows)
        expected, plain_seconds = best(RecomputedLink, n_flows)
        np.testing.assert_allclose(ends, expected, rtol=1e-9)
        each_us, plain_us = 1e6 * seconds / n_flows, 1e6 * plain_seconds / n_flows
        print(f"{n_flows:6} {each_us:11.1f} us {plain_us:9.1f} us {plain_us / each_us:6.1f}x")


if __name__ == "__main__":
    main()

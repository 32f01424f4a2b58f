"""The link by virtual time against the recomputation of every rate, and each sharing policy: ``python -m benchmarks.link``.

The first two carry the same flows and must end them at the same times; what counts is the ratio of their real times.
"""

import time
from functools import partial

import numpy as np
import simpy

from mecsim.radio.planned_link import make_link
from mecsim.radio.rate import shannon
from mecsim.radio.sharing import POLICIES, power_limited_rate

FLOWS = (10, 100, 1_000)


def run(n_flows, kind, *, repetitions=3, power_limited=False, **options):
    """Return the ends of ``n_flows`` that start within a second, and the least real microseconds that a flow took."""
    draw = np.random.default_rng(n_flows)
    starts, bits, snrs = draw.uniform(0, 1, n_flows), draw.uniform(1e5, 1e7, n_flows), draw.uniform(0.1, 30, n_flows)
    laws = [partial(power_limited_rate, carrier_hz=2e7, snr_full=snr, spectral_efficiency=shannon) for snr in snrs]

    def once():
        env, ends = simpy.Environment(), np.zeros(n_flows)
        link = make_link(env, kind, **options)

        def flow(index):
            yield env.timeout(starts[index])
            law = {"rate_of_share": laws[index]} if power_limited else {}
            yield link.start(bits[index], laws[index](1.0), **law).done
            ends[index] = env.now

        for index in range(n_flows):
            env.process(flow(index))
        started = time.perf_counter()
        env.run()
        return ends, time.perf_counter() - started

    runs = [once() for _ in range(repetitions)]
    return runs[0][0], 1e6 * min(seconds for _, seconds in runs) / n_flows


def main():
    print(f"{'flows':>6} {'virtual time':>14} {'recomputed':>14} {'ratio':>7}")
    for n_flows in FLOWS:
        ends, each_us = run(n_flows, "equal")
        expected, plain_us = run(n_flows, "equal", caps=True)
        np.testing.assert_allclose(ends, expected, rtol=1e-9)
        print(f"{n_flows:6} {each_us:11.1f} us {plain_us:11.1f} us {plain_us / each_us:6.1f}x")
    print(f"\n{'policy':>26} {'10 flows':>14} {'100 flows':>14}")
    for kind in POLICIES:
        print(f"{kind:>26} " + " ".join(f"{run(n_flows, kind, caps=True)[1]:11.1f} us" for n_flows in (10, 100)))
    for kind in ("fdma", "min-max"):
        each_us = run(10, kind, repetitions=1, power_limited=True)[1]
        print(f"{kind + ', power-limited':>26} {each_us:11.1f} us")


if __name__ == "__main__":
    main()

"""One pool of ports in SimPy: arrivals at random, each holds a port for 0.5 + exponential(0.5), or fails.

    python3 simpy_pool.py VARIANT ARRIVALS ERLANGS PORTS SEED

VARIANT: resource (a process per connection and a Resource), process (a process per connection, a counter),
callback (a bare Timeout per departure, SimPy's fastest way). Prints events (arrivals and departures), seconds, failures.
"""

import random
import sys
from time import perf_counter

import simpy


def main(variant, arrivals, erlangs, ports, seed):
    draw = random.Random(seed).expovariate
    env = simpy.Environment()
    pool = simpy.Resource(env, capacity=ports)
    count = {"busy": 0, "failed": 0, "left": 0}

    def hold():
        return 0.5 + draw(2.0)

    def with_resource():
        with pool.request() as port:
            yield port
            yield env.timeout(hold())
        count["left"] += 1

    def with_counter():
        yield env.timeout(hold())
        count["busy"] -= 1
        count["left"] += 1

    def leave(_):
        count["busy"] -= 1
        count["left"] += 1

    def arrive():
        for _ in range(arrivals):
            yield env.timeout(draw(erlangs))
            in_use = pool.count if variant == "resource" else count["busy"]
            if in_use >= ports:
                count["failed"] += 1
            elif variant == "resource":
                env.process(with_resource())
            elif variant == "process":
                count["busy"] += 1
                env.process(with_counter())
            else:
                count["busy"] += 1
                env.timeout(hold()).callbacks.append(leave)

    env.process(arrive())
    start = perf_counter()
    env.run()
    print(arrivals + count["left"], perf_counter() - start, count["failed"])


main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))

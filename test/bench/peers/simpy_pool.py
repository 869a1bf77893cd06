"""One pool of ports in SimPy: arrivals at random, each holds a port for 0.5 + exponential(0.5), or fails.

    python3 simpy_pool.py WARM_UP ARRIVALS ERLANGS PORTS SEED

A bare Timeout per departure: of SimPy's ways (a Resource, a process per connection, a callback) the fastest.
Warms up, then prints events (arrivals and departures), seconds, failures.
"""

import random
import sys
from time import perf_counter

import simpy


def run(arrivals, erlangs, ports, draw):
    env = simpy.Environment()
    count = {"busy": 0, "failed": 0, "left": 0}

    def leave(_):
        count["busy"] -= 1
        count["left"] += 1

    def arrive():
        for _ in range(arrivals):
            yield env.timeout(draw(erlangs))
            if count["busy"] >= ports:
                count["failed"] += 1
            else:
                count["busy"] += 1
                env.timeout(0.5 + draw(2.0)).callbacks.append(leave)

    env.process(arrive())
    start = perf_counter()
    env.run()
    return arrivals + count["left"], perf_counter() - start, count["failed"]


def main(warm_up, arrivals, erlangs, ports, seed):
    draw = random.Random(seed).expovariate
    run(warm_up, erlangs, ports, draw)
    print(*run(arrivals, erlangs, ports, draw))


main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))

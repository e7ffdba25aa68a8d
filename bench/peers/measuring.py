"""What the peers in Python share: measuring, and figures as lines of JSON (workloads/figures.ts says what they are).

A peer's file has the name of its library, so it imports this module first and then drops its own folder from the path. Nothing here imports a library
before a peer has said how many threads that may use.
"""

import json
import os
import sys
import time

sys.path.pop(0)
CLOCK_AT_START = time.perf_counter()
TOLERANCE = 2e-5


def since_start():
    """Seconds since the process began, from the kernel's books; from the first line where there are none."""
    try:
        with open("/proc/self/stat") as stat, open("/proc/uptime") as uptime:
            began = float(stat.read().rsplit(")", 1)[1].split()[19]) / os.sysconf("SC_CLK_TCK")
            return float(uptime.read().split()[0]) - began
    except OSError:
        return time.perf_counter() - CLOCK_AT_START


def hashed(shape, seed, scale=1.0):
    """Numbers in [-scale, scale), as a NumPy array of float32."""
    import numpy as np

    i = np.arange(1, int(np.prod(shape)) + 1, dtype=np.uint32)
    with np.errstate(over="ignore"):
        h = (i * np.uint32(0x9E3779B1)) ^ (np.uint32(seed + 1) * np.uint32(0x85EBCA6B))
        for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
            h = (h ^ (h >> np.uint32(shift))) * np.uint32(factor)
    return ((h / 4294967296.0 * 2 - 1) * scale).astype(np.float32).reshape(shape)


class Peer:
    """A library. `ready` waits for a result; `mean_cpu` is for libraries that work on another thread, where single calls tell nothing."""

    def __init__(self, name, ready=lambda result: result, mean_cpu=False):
        self.name = name
        self.ready = ready
        self.mean_cpu = mean_cpu

    def emit(self, workload, metric, value, cpu=None):
        figure = dict(peer=self.name, workload=workload, metric=metric, value=float(f"{value:.6g}"))
        if cpu is not None:
            figure["cpu"] = float(f"{cpu:.6g}")
        print(json.dumps(figure), flush=True)

    def missing(self, workload, metric, reason):
        print(json.dumps(dict(peer=self.name, workload=workload, metric=metric, reason=reason)), flush=True)

    def check(self, name, value, expected):
        self.emit(name.split()[0], f"check {name}", value)
        assert abs(value - expected) <= TOLERANCE * abs(expected), f"{name} is {value}, and should be {expected}"

    def fastest(self, workload, metric, call, budget=3.0, inner=1):
        for _ in range(2):
            call()
        budget *= float(os.environ.get("REMAT_BENCH_SCALE", "1"))
        wall, cpus = float("inf"), []
        start = time.perf_counter()
        while len(cpus) < 3 or time.perf_counter() - start < budget:
            c, t = time.process_time(), time.perf_counter()
            for _ in range(inner):
                call()
            wall = min(wall, (time.perf_counter() - t) / inner)
            cpus.append((time.process_time() - c) / inner)
        cpu = sum(cpus) / len(cpus) if self.mean_cpu else min(cpus)
        self.emit(workload, metric, 1e3 * wall, 1e3 * cpu)

    def first(self, workload, metric, call):
        c, t = time.process_time(), time.perf_counter()
        result = self.ready(call())
        self.emit(workload, metric, 1e3 * (time.perf_counter() - t), 1e3 * (time.process_time() - c))
        return result

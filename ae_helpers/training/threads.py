"""How many threads are worth starting: as many as there are cores for them."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")  # where Linux tells a container what it may use


def usable_cores() -> int:
    """The cores this process may use, at least 1: fewer than there are in many a container.

    A container's share of the processor is a quota: so many microseconds of computing in a period
    (Linux' ``cpu.max``, before ``cpu.cfs_quota_us``). Programs still see all cores of the machine.
    """
    has_affinity = hasattr(os, "sched_getaffinity")  # not on Windows and macOS
    cores = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    for names in (["cpu.max"], ["cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"]):
        try:
            text = " ".join((CGROUP / name).read_text() for name in names)
            quota, period = (int(number) for number in text.split())
        except (OSError, ValueError):  # no such file, or "max": no quota
            continue
        if quota > 0:
            cores = min(cores, quota // period)
    return max(cores, 1)


@contextlib.contextmanager
def no_more_than_cores() -> Iterator[None]:
    """Within this block, torch has at most ``usable_cores`` threads.

    With more of them, each small operation waits for a thread that waits for a core.
    """
    import torch

    before, cores = torch.get_num_threads(), usable_cores()
    if before <= cores:
        yield
        return
    torch.set_num_threads(cores)
    try:
        yield
    finally:
        torch.set_num_threads(before)

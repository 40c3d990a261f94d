"""How many threads are worth starting: as many as there are cores for them."""

import contextlib
from collections.abc import Iterator


@contextlib.contextmanager
def no_more_than_cores() -> Iterator[None]:
    """Within this block, torch has at most as many threads as this process has cores.

    With more of them, each small operation waits for a thread that waits for a core: in a container
    that has a share of the processor's time, for example, but sees all of the machine's cores.
    """
    import joblib
    import torch

    before, cores = torch.get_num_threads(), joblib.cpu_count()
    if before <= cores:
        yield
        return
    torch.set_num_threads(cores)
    try:
        yield
    finally:
        torch.set_num_threads(before)

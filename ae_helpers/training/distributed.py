"""Several processes that train one network together, when ``torchrun`` has started them.

Each of them holds the whole network and all images, takes its part of every batch, and averages its
gradients with the others' (Li et al., "PyTorch Distributed", VLDB 2020). Alone, a process is a team
of one, for which none of this does anything.
"""

import atexit
import contextlib
import os
import warnings
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.nn.parallel import DistributedDataParallel

from ae_helpers.training.loop import Objective


class Team:
    """The processes that ``torchrun`` has started; making one waits for all of them.

    They talk by NCCL where each trains on a GPU of its own, and else by gloo.

    Args:
        device: what a process alone would train on.

    Attributes:
        rank: which of them this is, from 0 on. The first alone prints and writes.
        processes: how many there are.
        device: what each trains on: the CPU, unless there is a GPU for each.
    """

    def __init__(self, device: torch.device):
        self.rank, self.processes = 0, _started_together()
        self.device = device
        if self.processes < 2:
            return
        if not dist.is_initialized():
            _meet(device)
        self.rank = dist.get_rank()
        if dist.get_backend() != "nccl":
            self.device = torch.device("cpu")

    @contextlib.contextmanager
    def first_goes_first(self) -> Iterator[None]:
        """A block that rank 0 runs before the others: it may download what they then find."""
        if self.rank:
            dist.barrier()
        yield
        if self.processes > 1 and not self.rank:
            dist.barrier()

    def averaging(self, model: nn.Module, objective: Objective) -> Objective:
        """The objective, but ``backward`` averages the gradients of ``model`` over the team.

        The weights of ``model`` become those of rank 0.
        """
        if self.processes < 2:
            return objective
        # The layout in memory of a kernel of one channel is ambiguous; the numbers are right.
        warnings.filterwarnings("ignore", message="Grad strides do not match bucket view strides")
        loss = DistributedDataParallel(_Loss(model, objective))
        return lambda _, batch: loss(batch)

    def divide(
        self, objective: Objective, batches: Sequence[Tensor]
    ) -> tuple[Objective, Sequence[Tensor]]:
        """This process's part of each batch of indices, and the objective for these parts.

        Parts may differ by one image. So each loss is weighted by its share of the batch, and the
        mean over the team is the loss of the whole batch. Of a batch with fewer images than there
        are processes, each takes all.
        """
        if self.processes < 2:
            return objective, batches
        parts, weights = [], []
        for batch in batches:
            if len(batch) < self.processes:
                part, weight = batch, 1.0
            else:
                part = batch[self.rank :: self.processes]
                weight = len(part) * self.processes / len(batch)
            parts.append(part)
            weights.append(weight)
        left = iter(weights)
        return lambda model, batch: next(left) * objective(model, batch), parts

    def mean(self, values: Tensor) -> Tensor:
        """The mean of a tensor over the team, the same for each of its processes."""
        if self.processes > 1:
            values = values.clone()
            dist.all_reduce(values)
            values /= self.processes
        return values


def _meet(device: torch.device) -> None:
    """Wait for all processes, and agree on how they talk."""
    # torchrun keeps the addresses of processes that have died, and a restart would find them
    # (github.com/pytorch/pytorch/issues/135712). So each start has a list of its own.
    store, rank, processes = next(dist.rendezvous("env://"))
    store = dist.PrefixStore(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"), store)
    gpus = torch.cuda.device_count() if device.type == "cuda" else 0
    # Machines may differ, but all processes must talk in the same way.
    store.set(f"GPU {rank}", str(gpus >= int(os.environ["LOCAL_WORLD_SIZE"])))
    each = all(store.get(f"GPU {other}") == b"True" for other in range(processes))
    if each:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    elif device.type != "cpu" and not rank:
        print(f"{processes} processes, and not a GPU for each: all train on the CPU")
    backend = "nccl" if each else "gloo"
    dist.init_process_group(backend, store=store, rank=rank, world_size=processes)
    atexit.register(dist.destroy_process_group)


def _started_together() -> int:
    """How many processes torchrun has started; a cluster's shell alone may say WORLD_SIZE, too."""
    return int(os.environ["WORLD_SIZE"]) if "TORCHELASTIC_RUN_ID" in os.environ else 1


class _Loss(nn.Module):
    """Network and objective in one, for ``DistributedDataParallel`` sees only ``forward``."""

    def __init__(self, model: nn.Module, objective: Objective):
        super().__init__()
        self.model, self.objective = model, objective

    def forward(self, batch: Tensor) -> Tensor:
        return self.objective(self.model, batch)

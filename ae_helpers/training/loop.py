"""The training loop: what lesson 04 writes, as a generator.

A faster way to make the same steps is another generator of the same form, in a file of its own.
"""

from collections.abc import Callable, Generator, Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import LRScheduler

from ae_helpers.data import to_float

Objective = Callable[[nn.Module, Tensor], Tensor]


def reconstruction_error(model: nn.Module, batch: Tensor) -> Tensor:
    """The loss of every lesson up to 08: the MSE per pixel, mean over the batch; a scalar."""
    return F.mse_loss(model(batch), batch)


def train_steps(
    model: nn.Module,
    images: Tensor,
    batches: Iterable[Tensor],
    optimizer: torch.optim.Optimizer,
    schedule: LRScheduler | None = None,
    objective: Objective = reconstruction_error,
) -> Generator[Tensor, None, None]:
    """A step for each batch of indices into ``images``, ``(N, C, H, W)``; yields its loss."""
    model.train()
    for index in batches:
        loss = objective(model, to_float(images[index]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if schedule:
            schedule.step()
        yield loss.detach()

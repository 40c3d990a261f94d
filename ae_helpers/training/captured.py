"""The steps of `loop.train_steps` as a CUDA graph: recorded once, then each started as a whole.

A training step of a network as small as ours is some hundred operations, and a GPU is done with
each before Python has started the next. A graph holds all of them, with the addresses that they
read and write, and a single call starts it (PyTorch's notes on CUDA, "CUDA Graphs"). So whatever
changes from step to step, the indices and the rate, is copied to where the graph looks for it; and
whatever doesn't pass through a tensor stays as it was when the step was recorded.
"""

import contextlib
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from ae_helpers.data import to_float
from ae_helpers.training import loop
from ae_helpers.training.loop import Objective, reconstruction_error

WARM_UP = 3  # steps before the recording, as PyTorch's notes have it: libraries prepare themselves


def suits(
    model: nn.Module, objective: Objective, batch_size: int, processes: int, device: torch.device
) -> bool:
    """Whether these steps can train: whatever it is, in one process, on a GPU that has CUDA."""
    return device.type == "cuda" and processes == 1


def train_steps(
    model: nn.Module,
    images: Tensor,
    batches: Iterable[Tensor],
    optimizer: torch.optim.Optimizer,
    schedule: LRScheduler | None = None,
    objective: Objective = reconstruction_error,
) -> Generator[Tensor, None, None]:
    """The steps of `loop.train_steps`, all but a few of them replayed.

    The first ones are ordinary, and so is each batch of another size than the first. All of them
    are, if the last one before the recording does what a graph can't hold: wait for the GPU, or
    draw random numbers on the CPU, which would be the same in each step.

    Raises:
        RuntimeError: the step can't be recorded for another reason.
    """

    def ordinary() -> Tensor:
        [loss] = loop.train_steps(model, images, [index], optimizer, schedule, objective)
        return loss

    gpu, recorded, size, done, before = Gpu(), None, 0, 0, _settings(optimizer)
    try:
        for index in batches:
            index = index.to(images.device)
            size = size or len(index)
            if len(index) == size and done < WARM_UP:
                loss, done = gpu.warm_up(ordinary), done + 1
            elif len(index) == size and not gpu.refuses:
                if not recorded:
                    inside = _settings(optimizer) == before
                    recorded = Recorded(gpu, model, images, index, optimizer, objective, inside)
                loss = recorded(index)
                if schedule:
                    schedule.step()
            else:
                loss = ordinary()
            yield loss
    finally:
        gpu.finish()


class Recorded:
    """A training step as a graph, and the places where it reads and writes.

    ``inside`` says whether Adam's step is a part of it. A schedule that moves more than the rate
    (OneCycle moves Adam's first β as well) keeps it out: numbers are recorded as they are.
    """

    def __init__(
        self,
        gpu: "Gpu",
        model: nn.Module,
        images: Tensor,
        index: Tensor,
        optimizer: torch.optim.Optimizer,
        objective: Objective,
        inside: bool,
    ):
        groups = self.groups = optimizer.param_groups
        self.optimizer, self.index = optimizer, index.clone()
        self.parameters = [parameter for group in groups for parameter in group["params"]]
        self.inside = inside and all(g.get("fused") and "capturable" in g for g in groups)
        self.rates = [images.new_zeros((), dtype=torch.float32) for _ in groups]

        def step() -> None:
            optimizer.zero_grad()  # so that the gradients are new, and in the graph's memory
            loss = objective(model, to_float(images[self.index]))
            loss.backward()
            if self.inside:
                with self._rates_in_tensors():
                    optimizer.step()
            self.loss = loss.detach()
            self.gradients = [parameter.grad for parameter in self.parameters]

        self.replay = gpu.record(step)

    def __call__(self, index: Tensor) -> Tensor:
        """One step for a batch of as many indices; its loss, a tensor of its own."""
        self.index.copy_(index)
        if self.inside:
            for rate, group in zip(self.rates, self.groups, strict=True):
                rate.fill_(group["lr"])
        self.replay()
        # Elsewhere they may have been let go, or others made.
        for parameter, gradient in zip(self.parameters, self.gradients, strict=True):
            parameter.grad = gradient
        if not self.inside:
            self.optimizer.step()
        return self.loss.clone()

    @contextlib.contextmanager
    def _rates_in_tensors(self) -> Iterator[None]:
        """A block in which the optimizer can be recorded. After it, it is as any other."""
        before = [{name: group[name] for name in ("lr", "capturable")} for group in self.groups]
        for group, rate in zip(self.groups, self.rates, strict=True):
            group.update(lr=rate, capturable=True)
        try:
            yield
        finally:
            for group, values in zip(self.groups, before, strict=True):
                group.update(values)


class Gpu:
    """What only CUDA can do. A test on a CPU puts something simple in its place.

    Attributes:
        refuses: whether the last step of the warm-up did what can't be recorded.
    """

    def __init__(self):
        self.refuses, self.stream = False, torch.cuda.Stream()

    def warm_up(self, step: Callable[[], Tensor]) -> Tensor:
        """Take a step on the stream that will record, and watch whether it can be recorded."""
        main, random_state = torch.cuda.current_stream(), torch.get_rng_state()
        self.stream.wait_stream(main)
        with torch.cuda.stream(self.stream), _waits() as waits:
            loss = step()
        main.wait_stream(self.stream)
        self.refuses = bool(waits) or not torch.equal(torch.get_rng_state(), random_state)
        return loss

    def record(self, step: Callable[[], None]) -> Callable[[], None]:
        """The function that replays ``step``, which isn't taken yet."""
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph, stream=self.stream):
                step()
        except RuntimeError as error:
            raise RuntimeError(
                f"this training step can't be a CUDA graph ({error}); expected operations on the "
                "GPU, and nothing that waits for it. Restart Python, and train with fast=False."
            ) from error
        return graph.replay

    def finish(self) -> None:
        """Wait for what is under way: it needs the graph, the network and what Adam remembers."""
        torch.cuda.synchronize()


@contextlib.contextmanager
def _waits() -> Iterator[list[str]]:
    """A block that lists what made Python wait for the GPU within it, when it is over."""
    found: list[str] = []
    mode = torch.cuda.get_sync_debug_mode()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            yield found
        finally:
            torch.cuda.set_sync_debug_mode(mode)
    for warning in caught:
        text = str(warning.message)
        if "called a synchronizing CUDA operation" in text:
            found.append(text)
        elif "Synchronization debug mode is a prototype" not in text:
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )


def _settings(optimizer: torch.optim.Optimizer) -> list[dict]:
    """All that an optimizer is told by numbers, but for the rate."""
    return [
        {name: value for name, value in group.items() if name not in ("params", "lr")}
        for group in optimizer.param_groups
    ]

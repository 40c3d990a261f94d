"""What a training run consists of: its history, its state on disk, and its stop button."""

import math
import signal
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LinearLR, LRScheduler, OneCycleLR

from ae_helpers.models import checkpoints
from ae_helpers.training.identity import pixels_before


@dataclass(repr=False)
class History:
    """What happened while a network was trained.

    Errors are MSE per pixel, averaged over images. ``train_error`` of an epoch is the mean of the
    losses of its batches, weighted by their sizes, so it is measured while the weights still
    change; it is in the unit of the run's ``objective``, if it has one. ``test_error`` is measured
    after the epoch, in evaluation mode.
    """

    settings: dict
    error_before: float = math.nan  # on the test set, untrained
    train_error: list[float] = field(default_factory=list)  # an entry per epoch
    test_error: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    reconstructions: list[Tensor] = field(default_factory=list)  # uint8 (10, C, H, W); [0]: before
    problems: list[str] = field(default_factory=list)  # what was said out loud

    @property
    def epochs(self) -> int:
        """How many whole epochs have been trained."""
        return len(self.test_error)

    def last_line(self, epochs: int) -> str:
        """What a run of so many epochs says after each of them."""
        trained = "train loss" if self.settings["objective"] else "train error"
        return (
            f"epoch {self.epochs:2}/{epochs}: {trained} {self.train_error[-1]:.4f}, "
            f"test error {self.test_error[-1]:.4f}, {self.seconds[-1]:.0f} s"
        )

    def __repr__(self) -> str:
        last = f", test error {self.test_error[-1]:.4f}" if self.epochs else ""
        return "\n".join([f"History of {self.epochs} epochs{last}", *self.problems])


class Run:
    """All that changes while a network is trained, and how it is saved and found again."""

    def __init__(
        self, model: nn.Module, history: History, last: Path | None, known_by: dict, fused: bool
    ):
        self.model, self.history, self.last, self.known_by = model, history, last, known_by
        settings = history.settings
        rate, warmup = settings["learning_rate"], settings["warmup_steps"]
        self.optimizer = torch.optim.Adam(model.parameters(), lr=rate, fused=fused or None)
        self.schedule: LRScheduler | None = None
        if warmup:
            self.schedule = LinearLR(self.optimizer, start_factor=1 / warmup, total_iters=warmup)
        elif epochs := settings["one_cycle"]:
            steps = epochs * math.ceil(settings["images"] / settings["batch_size"])
            self.schedule = OneCycleLR(self.optimizer, rate, total_steps=steps)
        self.losses = self.no_losses()  # of the epoch under way, (steps,)

    @property
    def name(self) -> str:
        """``folder/last.pt``: enough to find it, and no machine's path in a stored notebook."""
        assert self.last
        return f"{self.last.resolve().parent.name}/{self.last.name}"

    @property
    def _on_gpu(self) -> bool:
        return self.losses.is_cuda

    def no_losses(self) -> Tensor:
        """An empty tensor, where the network is and of its type."""
        return next(self.model.parameters()).detach().new_empty(0)

    def finish_epoch(self, sizes: list[int], test_error: float, seconds: float) -> None:
        """Take an epoch into the history: its batches' losses count by their sizes."""
        losses, images = self.losses.cpu().double(), torch.tensor(sizes, dtype=torch.float64)
        self.history.train_error.append((losses @ images / images.sum()).item())
        self.history.test_error.append(test_error)
        self.history.seconds.append(seconds)
        self.losses = self.no_losses()

    def save(self) -> None:
        """Write ``best.pt``, if this was the best epoch, and ``last.pt``."""
        if not self.last:
            return
        errors = self.history.test_error
        # In this order: a run that is killed between the two will make this epoch again.
        if not len(self.losses) and errors[-1] == min(errors):
            checkpoints.save(self.last.with_name("best.pt"), self.model, test_error=errors[-1])
        checkpoints.save(
            self.last,
            self.model,
            optimizer=self.optimizer.state_dict(),
            schedule=self.schedule.state_dict() if self.schedule else None,
            history=asdict(self.history),
            known_by=self.known_by,
            losses=self.losses,
            random_state=torch.get_rng_state(),
            gpu_random_state=torch.cuda.get_rng_state() if self._on_gpu else None,
        )

    def resume(self) -> bool:
        """Go back to where ``last.pt`` was written, if it is there."""
        if not (self.last and self.last.exists()):
            return False
        content = checkpoints.load(self.last)
        if "history" not in content:
            raise ValueError(
                f"{self.last} holds a network only; expected a run that can go on, as fit writes "
                "it. Choose another folder, or delete the file to start anew."
            )
        found = content["history"]["settings"] | content.get("known_by", {})
        for name, value in (self.history.settings | self.known_by).items():
            before = found.get(name, False)  # a run from before there was this setting
            if name == "pixels" and not before:
                before = pixels_before(found["dataset"], value)
            if before != value:
                cure = ", or give the images a name of their own" if name == "pixels" else ""
                raise ValueError(
                    f"{self.last} was trained with {name}={before!r}, this call says "
                    f"{value!r}; expected the same. Choose another folder, or delete the file to "
                    f"start anew{cure}."
                )
        checkpoints.restore(self.model, content, self.last)
        kept = content["optimizer"]
        for mine, theirs in zip(self.optimizer.param_groups, kept["param_groups"], strict=True):
            theirs["fused"] = mine["fused"]  # it may have begun elsewhere, with another loop
        self.optimizer.load_state_dict(kept)
        # Fused Adam goes through memory from one end to the other, whatever the strides say: what
        # it remembers of a weight must lie as the weight does.
        for weight, memory in self.optimizer.state.items():
            for name, value in memory.items():
                if value.shape == weight.shape:
                    memory[name] = torch.empty_like(weight).copy_(value)
        if self.schedule:
            self.schedule.load_state_dict(content["schedule"])
        self.losses = torch.as_tensor(content["losses"]).to(self.no_losses())
        vars(self.history).update(content["history"], problems=[])
        torch.set_rng_state(content["random_state"])
        gpu_state = content.get("gpu_random_state")  # a run from before had none
        if self._on_gpu and gpu_state is not None:
            torch.cuda.set_rng_state(gpu_state)
        return True


class StopButton:
    """Turn the first Ctrl-C (in a notebook: the stop button) into a polite request.

    Without it, the interrupt could hit between two halves of an optimizer's step. The second
    Ctrl-C is an ordinary KeyboardInterrupt.
    """

    requested = False

    def __enter__(self) -> "StopButton":
        try:
            self._before = signal.signal(signal.SIGINT, self._request)
        except ValueError:  # not the main thread: there are no interrupts to catch
            self._before = None
        return self

    def _request(self, *_) -> None:
        self.requested = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def __exit__(self, *_) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

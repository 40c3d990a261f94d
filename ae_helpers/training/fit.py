"""`fit`: the loop of lesson 04, with what a person needs around it.

Progress, checkpoints, a stop button that loses nothing, and a loud voice when the network dies.
"""

import contextlib
import importlib
import math
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ae_helpers.data import ImageData, check_images
from ae_helpers.data.settings import is_number, is_whole, plain
from ae_helpers.files import own_folder
from ae_helpers.measures import evaluate, reconstruct
from ae_helpers.measures.diagnostics import has_collapsed
from ae_helpers.models import Autoencoder, check_weights, ordinary
from ae_helpers.training.distributed import Team
from ae_helpers.training.identity import name_of, pixels_of, recognised
from ae_helpers.training.loop import Objective, reconstruction_error, train_steps
from ae_helpers.training.progress import Progress, duration
from ae_helpers.training.runs import History, Run, StopButton
from ae_helpers.training.threads import no_more_than_cores

# The quick recipe, ``fit(Autoencoder.steady(), data, **QUICK)``: after one epoch of MNIST it is
# where the backbone's own recipe is after fifteen (see ``benchmarks/``).
QUICK = {"epochs": 1, "batch_size": 64, "learning_rate": 2e-2, "one_cycle": True}
# Files beside this one, the fastest first. Without them training is slower, and nothing else.
FASTER = ("captured", "by_hand", "matrix_products")
SHOWN = 10  # test images whose reconstructions are kept for every epoch
CPU = torch.device("cpu")


def best_device() -> torch.device:
    """The GPU if there is one (NVIDIA, then Apple), else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def batch_order(images: int, seed: int, epoch: int) -> Tensor:
    """The order in which epoch 1, 2, … visits the images: the same for the same seed and epoch."""
    number = 1_000 * _seed(seed) + epoch
    return torch.randperm(images, generator=torch.Generator().manual_seed(number))


def plan(images: int, steps: int) -> dict[str, Any]:
    """Batch size and epochs for about so many steps: ``fit(model, data, **plan(640, 2_500))``.

    What a network learns, it learns in steps; an epoch of a hundred images in batches of 32 is four
    of them. A batch is a twentieth of the images, from 8 to 64, so that an epoch of 160 images or
    more has twenty steps at least; epochs are as many as it takes for ``steps``.

    Raises:
        ValueError: a number of images or steps that isn't a whole number from 1 on.
    """
    images, steps = plain(images), plain(steps)
    for name, value in {"images": images, "steps": steps}.items():
        if not is_whole(value, 1):
            raise ValueError(f"{name}={value!r}; expected a whole number from 1 on.")
    batch_size = min(max(images // 20, 8), 64, images)
    per_epoch = math.ceil(images / batch_size)
    return {"epochs": math.ceil(steps / per_epoch), "batch_size": batch_size}


def fit(
    model: nn.Module,
    data: ImageData,
    epochs: int = 15,
    batch_size: int = 32,
    learning_rate: float = 1e-2,
    *,
    objective: Objective = reconstruction_error,
    seed: int = 0,
    warmup_steps: int = 0,
    one_cycle: bool = False,
    folder: str | Path | None = None,
    on_epoch: Callable[[History], None] | None = None,
    fast: bool = True,
    progress: bool = True,
) -> History:
    """Train ``model`` on ``data``: Adam, shuffled batches, MSE unless told otherwise. In place.

    Under ``torchrun`` several processes train it together: each takes its part of every batch, and
    the gradients are averaged, so that the result is that of one process, up to rounding. (Batch
    normalisation alone sees only the part.) The first process prints, calls ``on_epoch`` and
    writes. If one is killed and ``torchrun --max-restarts`` starts them again, they go on from the
    last whole epoch in ``folder``.

    Args:
        model: an autoencoder, ``(N, C, H, W)`` in [0, 1] → the same shape. It is moved to the GPU
            if there is one, and left there.
        data: from ``data.load``.
        epochs: how often every training image is visited.
        batch_size: images per step; the last batch of an epoch may be shorter.
        learning_rate: Adam's (Kingma & Ba, "Adam: A Method for Stochastic Optimization", 2015).
        objective: a function of the network, in training mode, and a batch of floats in [0, 1],
            that gives the loss to make smaller. With a ``folder``, it is kept with the settings by
            what it does, see ``identity``. The test error remains the MSE of the reconstructions.
            On a GPU its operations are recorded and repeated: what it does in Python alone, such
            as counting, needs ``fast=False``.
        seed: fixes the order of the images and any randomness inside the model; its initial
            weights are made before, so seed them yourself: ``torch.manual_seed(0)``.
        warmup_steps: let the learning rate grow linearly to its value over so many steps.
        one_cycle: let the learning rate rise to its value in the first 30 % of all steps, and then
            fall to almost 0 (Smith & Topin, "Super-Convergence", 2019; torch's ``OneCycleLR``,
            which moves Adam's first β the other way, from 0.95 to 0.85 and back). Such a run can be
            continued, but not to more epochs than it was planned for. ``QUICK`` is a recipe that
            uses it.
        folder: where to keep ``last.pt`` (after every epoch) and ``best.pt`` (lowest test error).
            If ``last.pt`` is there, training goes on from it and ends where it would have ended
            without the break, bit for bit on the same machine; images, settings and objective must
            be the same.
        on_epoch: called with the history once before training and after each epoch.
        fast: take the fastest loop that gives the same numbers up to rounding, see
            ``choose_steps``. ``False`` takes lesson 04's, to the last bit with as many threads.
        progress: print a line per epoch, and the time left.

    Returns:
        The history. After an interrupt (Ctrl-C, the stop button) or a loss that isn't finite, it
        ends with the last whole epoch and ``problems`` says what happened.

    Raises:
        TypeError, ValueError: images or settings that can't be trained with, or a checkpoint in
            ``folder`` that was made with others.
        OSError: a checkpoint can't be written.
    """
    if not isinstance(data, ImageData):
        raise TypeError(
            f"The data are a {type(data).__name__}; expected an ImageData, as data.load and "
            "data.load_folder give it. For images that are a tensor: data.from_tensors(images)."
        )
    given = epochs, batch_size, learning_rate, warmup_steps, one_cycle, fast
    epochs, batch_size, learning_rate, warmup_steps, one_cycle, fast = map(plain, given)
    seed = _seed(seed)
    for name, value in {"one_cycle": one_cycle, "fast": fast}.items():
        if value not in (False, True):
            raise ValueError(f"{name}={value!r}; expected True or False.")
    settings = {
        "dataset": plain(data.name),
        "images": len(data.train_images),
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "seed": seed,
        "warmup_steps": warmup_steps,
        "one_cycle": bool(one_cycle) and epochs,
        # False, as in the runs from before there were others
        "objective": False if objective is reconstruction_error else name_of(objective),
    }
    _check(model, data, epochs, settings)
    known_by: dict[str, object] = {}
    if folder:
        known_by["objective"] = settings["objective"] and recognised(objective)
        known_by["pixels"] = pixels_of(data)
    with _surroundings(model, seed) as (team, device, stop):
        last = Path(folder) / "last.pt" if folder else None
        run = Run(model, History(settings), last, known_by, fused=fast and device.type != "mps")
        history, say = run.history, Progress(silent=team.rank > 0 or not progress)
        tell = on_epoch if on_epoch and not team.rank else lambda history: None
        images = data.train_images.to(device)

        if run.resume():
            say.finish(f"going on from {run.name}, after epoch {history.epochs}")
            if history.epochs >= epochs:
                say.finish("nothing is left to train; delete that file to train anew")
        else:
            history.error_before, _ = _test(model, data, history)
            say.finish(f"before training: test error {history.error_before:.4f}")
        tell(history)
        if team.rank:
            torch.manual_seed(seed + 10_000 * team.rank + history.epochs)  # its own noise
        objective = team.averaging(model, objective)

        for epoch in range(history.epochs + 1, epochs + 1):
            started = time.monotonic()
            batches = batch_order(len(images), seed, epoch).to(device).split(batch_size)
            steps = choose_steps(model, objective, batch_size, team.processes, device, fast)
            weighted, parts = team.divide(objective, batches[len(run.losses) :])
            losses = steps(model, images, parts, run.optimizer, run.schedule, weighted)
            run.losses = team.mean(_record(losses, run, len(batches), epochs, say, stop))
            problem = _died(run) or (_stopped(run, len(batches)) if stop.requested else "")
            if not problem:
                error, warning = _test(model, data, history)
                if not math.isfinite(error):
                    problem = _lost(f"epoch {epoch}: the test error", error, learning_rate)
            if problem:
                history.problems.append(problem)
                say.finish(problem)
                break
            run.finish_epoch([len(batch) for batch in batches], error, time.monotonic() - started)
            history.problems += warning
            if not team.rank:
                run.save()
            for line in (history.last_line(epochs), *warning):
                say.finish(line)
            tell(history)
    return history


def backbone_folder(
    data: ImageData,
    epochs: int = 15,
    batch_size: int = 32,
    learning_rate: float = 1e-2,
    seed: int = 0,
) -> Path:
    """Where the backbone's training by these settings is kept: ``fit``'s ``folder``.

    The recipe's is the one that ``trained_backbone`` reads and writes. Other settings have a folder
    of their own, so none is ever taken for another.
    """
    epochs, batch_size, learning_rate = map(plain, (epochs, batch_size, learning_rate))
    name = f"backbone-{data.name}-{len(data.train_images)}-epochs-{epochs}-seed-{_seed(seed)}"
    if (batch_size, learning_rate) != (32, 1e-2):
        name += f"-batch-{batch_size}-rate-{learning_rate}"
    return own_folder("checkpoints") / name


def trained_backbone(
    data: ImageData, epochs: int = 15, seed: int = 0
) -> tuple[Autoencoder, History]:
    """The backbone, trained by the recipe: from the project's ``checkpoints``, or trained now.

    Args:
        data: from ``data.load``; each dataset and size has a checkpoint of its own.
        epochs: of training; each number has a checkpoint of its own, too.
        seed: for the initial weights and for the order of the images.

    Raises:
        ValueError: as ``fit``.
        OSError: the checkpoint can't be written.
    """
    seed, folder = _seed(seed), backbone_folder(data, epochs, seed=seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = Autoencoder()
    return model, fit(model, data, epochs, seed=seed, folder=folder)


# ------------------------------------------------------------------------------ the parts of `fit`


def _seed(value: int) -> int:
    seed = plain(value)
    if not is_whole(seed, -(2**53)) or seed > 2**53:  # times 1,000 it must fit into 64 bits
        raise ValueError(f"seed={seed!r}; expected a whole number from -2**53 to 2**53.")
    return seed


def _check(model: nn.Module, data: ImageData, epochs: int, settings: dict) -> None:
    """Refuse images and numbers that can't be trained with."""
    for part in (data.train_images, data.test_images):
        check_images(part, getattr(model, "input_shape", None))
    check_weights(model)
    first, parts = data.train_images[:1], data.train_images.split(1_000)
    if len(data.train_images) > 1 and all((part == first).all() for part in parts):
        raise ValueError(
            f"The {len(data.train_images):,} training images are all alike; expected images that "
            "differ, or there is nothing to learn. Choose others."
        )
    if not any(weight.requires_grad and not weight.is_inference() for weight in model.parameters()):
        raise ValueError(
            "This network has nothing to train; expected weights that were made outside of "
            "torch.inference_mode and aren't frozen. Build it anew, or call model.requires_grad_()."
        )
    batch_size, images = settings["batch_size"], settings["images"]
    rate, warmup = settings["learning_rate"], settings["warmup_steps"]
    if not is_whole(epochs, 1):
        raise ValueError(f"epochs={epochs!r}; expected a whole number from 1 on, 15 by default.")
    if not is_whole(batch_size, 1) or batch_size > images:
        raise ValueError(
            f"batch_size={batch_size!r}; expected a whole number from 1 to the {images:,} training "
            "images, 32 by default."
        )
    if not (is_number(rate) and math.isfinite(rate) and rate > 0):
        raise ValueError(f"learning_rate={rate!r}; expected a number above 0, 0.01 by default.")
    if not is_whole(warmup):
        raise ValueError(f"warmup_steps={warmup!r}; expected a whole number from 0 on.")
    if warmup and settings["one_cycle"]:
        raise ValueError(
            f"warmup_steps={warmup!r}; expected 0 beside one_cycle, which warms up by itself."
        )


Steps = Callable[..., Generator[Tensor, None, None]]  # a function of the form of `train_steps`


def choose_steps(
    model: nn.Module,
    objective: Objective = reconstruction_error,
    batch_size: int = 32,
    processes: int = 1,
    device: torch.device = CPU,
    fast: bool = True,
) -> Steps:
    """The loop that trains: of those with the same numbers, up to rounding, the fastest.

    - ``captured.train_steps`` on a GPU with CUDA, where one process trains;
    - ``by_hand.train_steps`` on a CPU, for the backbone with its own objective, where one process
      trains in batches that leave room for its places in memory;
    - ``matrix_products.train_steps`` on a CPU, for all else;
    - ``loop.train_steps`` on other GPUs and on several, and where ``fast`` is ``False``.
    """
    for name in FASTER if fast else ():
        with contextlib.suppress(ModuleNotFoundError):
            faster = importlib.import_module(f"ae_helpers.training.{name}")
            if faster.suits(model, objective, batch_size, processes, device):
                return faster.train_steps
    return train_steps


@contextlib.contextmanager
def _surroundings(model: nn.Module, seed: int) -> Iterator[tuple[Team, torch.device, StopButton]]:
    """What a run stands in: a team, a device, threads, random numbers of its own, a stop button.

    Gradients, types and devices are the usual ones, whatever stands around the call.
    """
    team = Team(best_device())
    # An interrupt would reach each process of a team at another step, and they would wait for each
    # other for ever. So it ends them; the next run goes on from the last whole epoch.
    button = StopButton() if team.processes == 1 else contextlib.nullcontext(StopButton())
    model.to(team.device)
    with (
        ordinary(),
        torch.inference_mode(False),
        torch.enable_grad(),
        no_more_than_cores(),
        torch.random.fork_rng(),
        button as stop,
    ):
        torch.manual_seed(seed)
        yield team, team.device, stop


def _record(
    losses: Generator[Tensor, None, None],
    run: Run,
    steps: int,
    epochs: int,
    say: Progress,
    stop: StopButton,
) -> Tensor:
    """Take the steps of an epoch, or what an interrupt left of it; return all losses so far."""
    epoch, began, first = run.history.epochs + 1, time.monotonic(), len(run.losses)
    # In one piece: a tensor for each step would lie scattered among the large ones that come and
    # go, and keep their memory from being used again: hundreds of megabytes in an epoch.
    kept, done = torch.cat([run.losses, run.losses.new_empty(steps - first)]), first
    with contextlib.closing(losses):  # whatever stops it
        for loss in losses:
            kept[done] = loss
            done += 1
            to_do = (epochs - epoch + 1) * steps - done
            left = duration(to_do * (time.monotonic() - began) / (done - first))
            say.update(f"epoch {epoch:2}/{epochs}: {done / steps:4.0%}, {left} left")
            if stop.requested:
                break
    return kept[:done]


def _died(run: Run) -> str:
    """Which loss of the epoch isn't finite, if any."""
    finite = run.losses.isfinite().cpu()
    if finite.all():
        return ""
    step, epoch = int((~finite).nonzero()[0]), run.history.epochs + 1
    rate = run.history.settings["learning_rate"]
    return _lost(f"epoch {epoch}, step {step + 1}: the loss", run.losses[step].item(), rate)


def _lost(what: str, value: float, learning_rate: float) -> str:
    return f"{what} is {value}; the weights are lost. Try a learning_rate below {learning_rate:g}."


def _stopped(run: Run, steps: int) -> str:
    """Save a run in the middle of an epoch of so many ``steps``, and say so."""
    epoch, done = run.history.epochs + 1, len(run.losses)
    message = f"stopped in epoch {epoch}, after {done} of {steps} steps: the network "
    if not run.last:
        return message + "keeps all it has learned."
    run.save()
    return message + f"keeps all it has learned, and so does {run.name}: the same call goes on."


def _test(model: nn.Module, data: ImageData, history: History) -> tuple[float, list[str]]:
    """Evaluate on the test set, and keep the first reconstructions; warn of a collapse."""
    error, epoch = evaluate(model, data.test_images), len(history.reconstructions)
    few = data.test_images[:1_000]  # enough to notice
    output = reconstruct(model, few)
    if math.isfinite(error):
        history.reconstructions.append((output[:SHOWN].clamp(0, 1) * 255).round().byte())
    # While the rate of one cycle still rises, steps are too small to have learned anything yet.
    began = epoch > 0.3 * history.settings["one_cycle"]
    if began and not history.problems and has_collapsed(few, output):
        return error, [
            f"epoch {epoch}: the network has collapsed, it answers every image with the same "
            "picture. Try another seed, a smaller learning_rate, or warmup_steps=300."
        ]
    return error, []

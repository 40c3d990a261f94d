"""A program: trains on the digits in a folder, and dies once, without a word, if it is told to."""

import functools
import importlib
import os
import signal
import sys
from pathlib import Path

import torch

from ae_helpers import data, training
from ae_helpers.models import Autoencoder

fit_module = importlib.import_module("ae_helpers.training.fit")  # there, `fit` is the function
rank, processes, starts = (
    int(os.environ.get(name, alone))
    for name, alone in (("RANK", 0), ("WORLD_SIZE", 1), ("TORCHELASTIC_RESTART_COUNT", 0))
)
folder, rate = Path(sys.argv[1]), float(sys.argv[2])
dies = sys.argv[3:] == ["dies"] and rank == processes - 1 and not starts
digits, epochs, seen = data.ImageData(**torch.load(folder / "digits.pt")), [], []


def train_steps(steps, *args):
    epochs.append(None)
    for number, loss in enumerate(steps(*args)):
        if dies and (len(epochs), number) == (3, 2):
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
        yield loss


choose, fit_module.best_device = fit_module.choose_steps, lambda: torch.device("cpu")
fit_module.choose_steps = lambda *args: functools.partial(train_steps, choose(*args))
torch.manual_seed(rank)  # unequal weights, until those of rank 0 are taken
training.fit(
    *(Autoencoder(), digits, 4, 32, rate),
    folder=folder / "run",
    on_epoch=lambda history: seen.append(history.epochs),
)
assert bool(seen) == (rank == 0)

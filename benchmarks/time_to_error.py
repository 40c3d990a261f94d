"""Seconds to the error that the recipe ends with: the plain loop's 15 epochs, and a quick recipe.

    AE_DATA_DIR=path/to/data python benchmarks/time_to_error.py

The plain loop is that of `peers.py`, with the backbone and its recipe. The quick recipe is
`fit(Autoencoder.steady(), digits, **training.QUICK)`. Both are run in turn for each seed, in one
process, with the test error after each epoch. Prints a table for `benchmarks/README.md`.
"""

import argparse
import os
import platform
import statistics
import time
from pathlib import Path

import torch
from peers import BATCH_SIZE, plain_loop
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

from ae_helpers import data, training
from ae_helpers.models import Autoencoder

RECIPE_EPOCHS, TARGET = 15, 0.0055  # the error that the recipe ends with, see README.md


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, help="how many (default: 3)")
    parser.add_argument(
        "--plain-epochs",
        type=int,
        default=RECIPE_EPOCHS,
        help="epochs of the plain loop that are run; with fewer than 15 the seconds of 15 are "
        "reckoned from them (default: 15)",
    )
    args = parser.parse_args()
    digits = data.load("mnist")
    if digits.is_sample:
        parser.error("set AE_DATA_DIR to a folder that holds MNIST/raw: the plain loop reads files")
    root = os.environ.get("AE_DATA_DIR") or Path("data")
    train_set, test_set = (
        datasets.MNIST(root, train=flag, transform=transforms.ToTensor()) for flag in (True, False)
    )
    train = DataLoader(train_set, BATCH_SIZE, shuffle=True)
    test = DataLoader(test_set, BATCH_SIZE)

    print(
        f"{torch.get_num_threads()} threads, torch {torch.__version__}, {platform.machine()}; the "
        f"plain loop ran {args.plain_epochs} epochs per seed\n"
    )
    print("| seed | plain loop, 15 epochs | its error | quick recipe | its error | ratio |")
    print("|---|---|---|---|---|---|")
    ratios = []
    for seed in range(args.seeds):
        torch.manual_seed(seed)
        started = time.perf_counter()
        errors = plain_loop(Autoencoder(), train, test, args.plain_epochs)
        plain = (time.perf_counter() - started) * RECIPE_EPOCHS / args.plain_epochs

        torch.manual_seed(seed)
        started = time.perf_counter()
        history = training.fit(
            Autoencoder.steady(), digits, **training.QUICK, seed=seed, progress=False
        )
        quick = time.perf_counter() - started
        ratios.append(plain / quick)
        reached = history.test_error[-1]
        print(
            f"| {seed} | {plain:.0f} s | {errors[-1][1] / len(test_set):.4f} | {quick:.1f} s | "
            f"{reached:.4f}{' (too high)' * (reached > TARGET)} | {plain / quick:.1f} |",
            flush=True,
        )
    print(f"\nplain / quick, median: {statistics.median(ratios):.1f}; target error {TARGET}")


if __name__ == "__main__":
    main()

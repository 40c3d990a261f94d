"""`fit` beside the loop that everybody writes first: seconds for the same work, and whether it is.

    AE_DATA_DIR=path/to/data python benchmarks/training_speed.py

The plain loop is torchvision's MNIST through `ToTensor` and a `DataLoader`, the network's own
layers, Adam as it comes, and the test error after each epoch: the same recipe, the same float32.
Both are run in turn, several times in one process, so that a machine whose speed drifts is fair to
both. Prints a table for `benchmarks/README.md`.
"""

import argparse
import os
import platform
import statistics
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Subset
from torchvision import datasets, transforms

from ae_helpers import data, training
from ae_helpers.models import Autoencoder

BATCH_SIZE, LEARNING_RATE = 32, 1e-2


def plain_loop(model: nn.Module, train: DataLoader, test: DataLoader, epochs: int) -> list[tuple]:
    """Train as the first chapter of any course does; return the summed errors of each epoch."""
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    errors = []
    for _ in range(epochs):
        model.train()
        train_error = test_error = 0.0
        for images, _ in train:
            loss = F.mse_loss(model(images), images)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            train_error += loss.item() * len(images)
        model.eval()
        with torch.no_grad():
            for images, _ in test:
                test_error += F.mse_loss(model(images), images).item() * len(images)
        errors.append((train_error, test_error))
    return errors


def timed(function, *args, **kwargs) -> float:
    """Seconds of one call, with new weights."""
    torch.manual_seed(0)
    model = Autoencoder()
    start = time.perf_counter()
    function(model, *args, **kwargs)
    return time.perf_counter() - start


def difference(train_set: datasets.MNIST, digits: data.ImageData, steps: int) -> float:
    """Feed both the same batches; the length of the weights' difference, relative to theirs."""
    few = digits.take(train=steps * BATCH_SIZE, test=BATCH_SIZE)
    torch.manual_seed(0)
    plain, ours = Autoencoder(), Autoencoder()
    ours.load_state_dict(plain.state_dict())
    order = training.batch_order(len(few.train_images), seed=0, epoch=1).tolist()
    plain_loop(plain, DataLoader(Subset(train_set, order), BATCH_SIZE), [], epochs=1)
    training.fit(ours, few, epochs=1, seed=0, progress=False)
    a, b = (nn.utils.parameters_to_vector(m.parameters()) for m in (plain, ours))
    return ((a - b).norm() / a.norm()).item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, help="train on so many only (default: all)")
    parser.add_argument("--epochs", type=int, default=1, help="epochs per run (default: 1)")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each (default: 5)")
    parser.add_argument("--threads", type=int, help="default: as torch chooses")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)

    digits = data.load()
    if digits.is_sample:
        parser.error("set AE_DATA_DIR to a folder that holds MNIST/raw: the plain loop reads files")
    root, images = os.environ.get("AE_DATA_DIR") or Path("data"), args.images or 60_000
    train_set, test_set = (
        datasets.MNIST(root, train=flag, transform=transforms.ToTensor()) for flag in (True, False)
    )
    digits = digits.take(train=images)
    train = DataLoader(Subset(train_set, range(images)), BATCH_SIZE, shuffle=True)
    test = DataLoader(test_set, BATCH_SIZE)

    seconds = {"plain loop": [], "fit": []}
    for repeat in range(args.repeats + 1):
        plain = timed(plain_loop, train, test, args.epochs)
        ours = timed(training.fit, digits, args.epochs, progress=False)
        if repeat:  # the first warms up
            seconds["plain loop"].append(plain)
            seconds["fit"].append(ours)
            print(f"{repeat}/{args.repeats}: {plain:.1f} s, {ours:.1f} s", flush=True)

    ratio = statistics.median(p / f for p, f in zip(*seconds.values(), strict=True))
    print(
        f"\n{args.epochs} epochs of {images:,} images, {torch.get_num_threads()} threads, "
        f"torch {torch.__version__}, {platform.machine()}; {args.repeats} runs of each, in turn\n"
    )
    print("| | seconds, median | minimum | maximum |\n|---|---|---|---|")
    for name, values in seconds.items():
        print(
            f"| {name} | {statistics.median(values):.1f} | {min(values):.1f} | {max(values):.1f} |"
        )
    print(f"\nplain / fit, median of the pairs: {ratio:.2f}\n")
    for steps in (1, 10, 100):
        print(
            f"the weights after {steps} steps differ by "
            f"{difference(train_set, digits, steps):.1e} of their length"
        )


if __name__ == "__main__":
    main()

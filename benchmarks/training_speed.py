"""`fit` beside other libraries' training of the same network: images per second, and the ratios.

    AE_DATA_DIR=path/to/data python benchmarks/training_speed.py

Every peer of `peers.py` that is installed trains one epoch, in turn, several times, so that a
machine whose speed drifts is fair to all. Each has a process of its own, which waits for its turn.
A first run of each, which reads and compiles, isn't counted. All of it on the CPU. Prints a table;
`--write` puts it into `benchmarks/README.md` and its ratios into `training_speed.json`, `--check`
compares the ratios with those. With `--device cuda` all of it is on a GPU, and the peers are those
of a GPU.
"""

import argparse
import contextlib
import functools
import json
import multiprocessing
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import peers
import torch
from torch import nn
from torch.utils.data import DataLoader, Subset

from ae_helpers import data, training

README, STORED = (Path(__file__).with_name(name) for name in ("README.md", "training_speed.json"))
FIT = "`fit`"
# float32 is the recipe's, and by default some libraries round more coarsely on a GPU.
SURROUNDINGS = {
    "cpu": {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu", "KERAS_BACKEND": "jax"},
    "cuda": {
        "NVIDIA_TF32_OVERRIDE": "0",
        "JAX_PLATFORMS": "cuda",
        "JAX_DEFAULT_MATMUL_PRECISION": "highest",
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",  # or JAX takes most of the GPU's memory
    },
}
TOLERANCE = 0.25  # the share by which a ratio may fall before `--check` complains


@functools.cache  # in the process of each peer
def prepared(peer: str, images: int, threads: int, device: str) -> Callable[[], None]:
    torch.set_num_threads(threads)
    return peers.PEERS[device][peer][0](data.load("mnist").take(train=images, test=10), device)


def seconds_of(peer: str, images: int, threads: int, device: str) -> float:
    """One run of a peer, in its process."""
    train = prepared(peer, images, threads, device)
    started = time.perf_counter()
    train()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


def measure(
    names: list[str], images: int, repeats: int, threads: int, device: str
) -> dict[str, list[float]]:
    """The seconds of each run of each peer."""
    seconds = {peer: [] for peer in names}
    context = multiprocessing.get_context("spawn")  # a forked process can't use torch's threads
    with contextlib.ExitStack() as stack:
        processes = {p: stack.enter_context(ProcessPoolExecutor(1, context)) for p in names}
        for repeat in range(repeats + 1):
            first = repeat % len(names)  # another one each time
            for peer in names[first:] + names[:first]:
                run = processes[peer].submit(seconds_of, peer, images, threads, device)
                seconds[peer].append(run.result())
                print(f"{repeat}/{repeats}: {peer}, {seconds[peer][-1]:.1f} s", flush=True)
    return {peer: runs[1:] for peer, runs in seconds.items()}  # the first warms up


def ratios(seconds: dict[str, list[float]]) -> dict[str, float]:
    """How many times as fast as each peer `fit` is: the median over the runs, pair by pair."""
    return {
        peer: round(statistics.median(a / b for a, b in zip(runs, seconds[FIT], strict=True)), 3)
        for peer, runs in seconds.items()
        if peer != FIT
    }


def table(seconds: dict[str, list[float]], images: int, device: str = "cpu") -> str:
    """Images per second of each peer, and its ratio, in Markdown."""
    lines = [
        "| | version | images/s, median | min | max | `fit` / peer |\n|---|---|---|---|---|---|"
    ]
    for peer, ratio in (ratios(seconds) | {FIT: 1}).items():
        speeds = [images / run for run in seconds[peer]]
        numbers = [f"{f(speeds):,.0f}" for f in (statistics.median, min, max)]
        versions = peers.versions(peer, device)
        lines.append(f"| {peer} | {versions} | {' | '.join(numbers)} | {ratio:.2f} |")
    return "\n".join(lines)


def insert(text: str, report: str, where: str) -> str:
    """Replace what stands between the two comments of that name."""
    begin, end = f"<!-- {where}: begin -->", f"<!-- {where}: end -->"
    if [text.count(begin), text.count(end)] != [1, 1]:
        raise ValueError(f"{begin} and {end} aren't both there once; expected a place for a table.")
    before, rest = text.split(begin)
    return f"{before}{begin}\n{report}\n{end}{rest.split(end)[1]}"


def fallen(stored: dict[str, float], found: dict[str, float]) -> list[str]:
    """A line for each ratio that is lower than the stored one by more than the tolerance."""
    return [
        f"{peer}: `fit` is {found[peer]:.2f} times as fast; expected the stored {ratio:.2f}, or at "
        f"most {TOLERANCE:.0%} less. Measure again on an idle machine; then look at what changed."
        for peer, ratio in stored.items()
        if peer in found and found[peer] < (1 - TOLERANCE) * ratio
    ]


def difference(digits: data.ImageData, steps: int, device: str) -> float:
    """Feed both the same batches; the length of the weights' difference, relative to theirs."""
    images = steps * peers.BATCH_SIZE
    few = digits.take(train=images, test=peers.BATCH_SIZE)
    plain, ours = peers.new_backbone(), peers.new_backbone()
    order = training.batch_order(images, seed=0, epoch=1).tolist()
    batches = DataLoader(Subset(peers.loader(images).dataset, order), peers.BATCH_SIZE)
    peers.plain_loop(plain.to(device), batches, [], epochs=1)
    peers.fit_module.best_device = lambda: torch.device(device)
    training.fit(ours, few, epochs=1, seed=0, progress=False)
    a, b = (nn.utils.parameters_to_vector(m.parameters()) for m in (plain, ours))
    return ((a - b).norm() / a.norm()).item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=60_000, help="per run (default: 60,000)")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each (default: 5)")
    parser.add_argument(
        "--threads",
        type=int,
        default=os.environ.get("OMP_NUM_THREADS"),
        help="on Linux (default: OMP_NUM_THREADS, or as the libraries choose)",
    )
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="(default: cpu)")
    parser.add_argument("--write", action="store_true", help=f"into {README.name}, {STORED.name}")
    parser.add_argument(
        "--check", action="store_true", help=f"fail if a ratio fell by more than {TOLERANCE:.0%}%"
    )
    args = parser.parse_args()
    if args.device == "cuda" and not torch.cuda.is_available():
        parser.error(
            "--device cuda: this PyTorch finds no GPU; expected one by NVIDIA, and a PyTorch built "
            "with CUDA. Leave it out to measure on the CPU."
        )
    digits = data.load("mnist")
    if digits.is_sample:
        parser.error("set AE_DATA_DIR to a folder that holds MNIST/raw: the plain loop reads files")
    if args.threads:  # JAX takes no number of threads: it uses the cores that the process may use
        if not sys.platform.startswith("linux"):
            parser.error(f"threads on {sys.platform}; expected Linux, which ties them to cores")
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: args.threads])
        torch.set_num_threads(args.threads)
    threads = torch.get_num_threads()
    where = f"{threads} thread{'s' * (threads > 1)}" if args.device == "cpu" else "GPU"
    stored = json.loads(STORED.read_text())
    if args.check and where not in stored:
        parser.error(f"--check with {where}; expected one of {[*stored]}, or --write first")

    if args.write:
        insert(README.read_text(), "", where)  # is there a place? better to know it now

    names = []
    for peer in peers.PEERS[args.device]:
        if lacking := peers.missing(peer, args.device):
            print(f"left out: {peer}; to have it: pip install {' '.join(lacking)}")
        else:
            names.append(peer)
    os.environ |= SURROUNDINGS[args.device]
    seconds = measure(names, args.images, args.repeats, threads, args.device)
    found = ratios(seconds)
    machine = platform.machine() if args.device == "cpu" else torch.cuda.get_device_name()
    report = (
        f"One epoch of {args.images:,} images, {where}, {machine}; {args.repeats} runs "
        f"of each, in turn:\n\n{table(seconds, args.images, args.device)}"
    )
    print(f"\n{report}\n")
    for steps in (1, 10, 100):
        print(
            f"the weights after {steps} steps differ by "
            f"{difference(digits, steps, args.device):.1e} of their length"
        )

    if args.check:
        if complaints := fallen(stored[where], found):
            sys.exit("\n".join(["", *complaints]))
        compared = ", ".join(peer for peer in found if peer in stored[where])
        print(f"\nno ratio is more than {TOLERANCE:.0%} below the stored one: {compared}")
    if args.write:
        README.write_text(insert(README.read_text(), f"\n{report}\n", where))
        STORED.write_text(json.dumps(stored | {where: found}, indent=2) + "\n")


if __name__ == "__main__":
    main()

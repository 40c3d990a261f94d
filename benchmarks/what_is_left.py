"""Where the time of a training step goes, and how far from the roof each part of it is.

    python benchmarks/what_is_left.py

The roof is the machine's best rate of multiplications, in large matrix products: the time in which
it could do those that the layers of the network need, and nothing else. Steps are those of `fit`,
on random images. A profiler says which share of the time each part has; it makes small operations
dearer than they are, so the share of the products is rather larger. Prints a table for
`benchmarks/README.md`.
"""

import argparse
import os
import statistics
import time

os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # torch's profiler talks much; before torch
import torch
from torch.profiler import ProfilerActivity, profile, record_function

from ae_helpers.models import Autoencoder, ledger
from ae_helpers.training import by_hand

PARTS = {  # what each kind of operation is for; the first that fits counts
    "matrix products": {"aten::mm", "aten::addmm"},
    "copies: windows, bands, the batch": {"aten::copy_", "aten::index", "aten::flip", "aten::div"},
    "Adam": {"aten::_fused_adam_", "aten::_foreach_add_"},
}
ARITHMETIC = "activations, loss, sums for the biases, views"
REST = "Python"


def rate(side: int, attempts: int = 12) -> float:
    """Multiplications per second in a product of two square matrices, at best."""
    one, other = torch.rand(2, side, side)
    seconds = []
    for _ in range(attempts):
        started = time.perf_counter()
        one @ other
        seconds.append(time.perf_counter() - started)
    return side**3 / min(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch-size", type=int, default=32, help="(default: 32)")
    parser.add_argument("--steps", type=int, default=100, help="in each round (default: 100)")
    parser.add_argument("--rounds", type=int, default=7, help="their median counts (default: 7)")
    parser.add_argument("--threads", type=int, default=1, help="(default: 1)")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)

    forward = ledger(Autoencoder(), (1, 28, 28))["multiplications"]
    # Backwards twice as many, but nobody needs the gradient of the images.
    needed = (3 * forward.sum() - forward.iloc[0]) * args.batch_size
    best = max(rate(side) for side in (384, 512, 768, 1024))

    images = torch.randint(256, (args.batch_size * 8, 1, 28, 28)).byte()
    batches = [torch.randperm(len(images))[: args.batch_size] for _ in range(args.steps)]
    model = Autoencoder()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)

    def steps() -> float:
        started = time.perf_counter()
        for _ in by_hand.train_steps(model, images, batches, optimizer):
            pass
        return (time.perf_counter() - started) / args.steps * 1e6

    steps()
    whole = statistics.median(steps() for _ in range(args.rounds))
    cpu = [ProfilerActivity.CPU]
    with profile(activities=cpu, with_flops=True) as profiler, record_function(REST):
        steps()
    spent, done = dict.fromkeys([*PARTS, ARITHMETIC, REST], 0.0), 0
    for row in profiler.key_averages():
        part = next((name for name, keys in PARTS.items() if row.key in keys), ARITHMETIC)
        part = part if row.key.startswith("aten::") else REST
        spent[part] += row.self_cpu_time_total
        done += row.flops / 2 / args.steps if part == "matrix products" else 0
    spent = {part: whole * each / sum(spent.values()) for part, each in spent.items()}

    print(
        f"Batches of {args.batch_size}, threads: {args.threads}, torch {torch.__version__}; "
        f"{2 * best / 1e9:.0f} GFLOP/s at best\n\n| | µs per step | share |\n|---|---|---|"
    )
    for part, time_of_part in [*spent.items(), ("**a whole step**", whole)]:
        print(f"| {part} | {time_of_part:.0f} | {time_of_part / whole:.0%} |")
    print(f"| the roof: {needed / 1e6:.0f} million multiplications | {needed / best * 1e6:.0f} | "
          f"{needed / best * 1e6 / whole:.0%} |")  # fmt: skip
    print(
        f"\nThe products do {done / 1e6:.0f} million multiplications, {done / needed:.2f} times "
        f"those needed, at {done / spent['matrix products'] * 1e6 / best:.0%} of the best rate."
    )


if __name__ == "__main__":
    main()

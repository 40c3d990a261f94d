"""The command line: ``python -m ae_helpers lab``, ``play``, ``execute``, ``train`` and so on."""

import argparse
import contextlib
import io
import os
import sys
from pathlib import Path

from ae_helpers.course import execute, own_pictures, refresh, series, sweep
from ae_helpers.files import data_dir, replacing
from ae_helpers.site import build

RECIPE = {"epochs": 15, "batch_size": 32, "learning_rate": 1e-2}  # the backbone's


def train(args: argparse.Namespace) -> int:
    """Train the backbone, or on a folder; write network and pictures; print its error, measured."""
    if own_pictures.is_folder(args.data):
        own_pictures.settle(args, own_pictures.SETTINGS, RECIPE)
        return own_pictures.train_on_folder(args)
    own_pictures.settle(args, RECIPE, own_pictures.SETTINGS)
    import torch

    from ae_helpers import measures, plots, training
    from ae_helpers.data import NAMES, load
    from ae_helpers.measures import baselines
    from ae_helpers.models import Autoencoder
    from ae_helpers.training.distributed import Team

    team = Team(training.best_device())  # of one, unless torchrun has started several processes
    with (
        team.first_goes_first(),
        contextlib.redirect_stdout(io.StringIO() if team.rank else sys.stdout),
    ):
        try:
            digits = load(args.data, args.data_dir)
        except ValueError as unknown:
            if args.data in NAMES:
                raise
            raise ValueError(
                f"{unknown} Nor is there a folder of that name in {Path.cwd()}."
            ) from None
        print(digits)
        by = f" by {team.processes} processes" if team.processes > 1 else ""
        print(f"training for {args.epochs} epochs on {team.device}{by}, into {args.output}")
    torch.manual_seed(args.seed)
    model = Autoencoder()
    shown = digits.test_images[: training.SHOWN]
    before = measures.reconstruct(model, shown)
    history = training.fit(
        model,
        digits,
        args.epochs,
        args.batch_size,
        args.learning_rate,
        seed=args.seed,
        folder=args.output,
    )
    if team.rank:
        return 0  # the first process tells the rest
    sticks = baselines.measuring_sticks(digits)
    figures = {
        "loss_curve.png": plots.loss_curve(history, sticks),
        "before_after.png": plots.before_after(
            shown, before=before, after=measures.reconstruct(model, shown)
        ),
    }
    for name, figure in figures.items():
        with replacing(args.output / name) as part:
            part.write_bytes(plots.png(figure))

    last = history.test_error[-1] if history.epochs else history.error_before
    errors = {
        **sticks,
        "this network, untrained": history.error_before,
        f"this network, {history.epochs} epochs": last,
    }
    print("\ntest error (MSE per pixel)")
    for name, error in errors.items():
        print(f"  {name:26} {error:.4f}")
    # Training that was stopped in its first epoch has no best one yet.
    written = [name for name in ("last.pt", "best.pt", *figures) if (args.output / name).exists()]
    print(f"written to {args.output}: {', '.join(written)}")
    return 1 if history.problems else 0


def data(args: argparse.Namespace) -> int:
    """Load the data, downloading it if need be, and say which it is."""
    from ae_helpers.data import load

    print(load(args.data, args.data_dir))
    return 0


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line; ``--help`` explains every option."""
    parser = argparse.ArgumentParser(
        prog="python -m ae_helpers",
        description="Sixty-Four Numbers: learn autoencoders by building one.",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, function, help: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=help)
        sub.set_defaults(function=function)
        return sub

    def add_data_options(sub: argparse.ArgumentParser) -> None:
        sub.add_argument(
            "--data",
            default="mnist",
            metavar="NAME",
            help="which dataset (default: %(default)s); train takes a folder of pictures, too",
        )
        sub.add_argument(
            "--data-dir",
            metavar="DIR",
            help="a folder that holds MNIST/raw, or the word 'sample' for the 5,000 digits that "
            "need no download; default: AE_DATA_DIR, the project's data folder, a download",
        )

    series.add_lab_arguments(command("lab", series.lab, "open the lessons in JupyterLab"))
    series.add_play_arguments(
        command("play", series.play, "play with all explorers, on a page without code")
    )
    execute.add_execute_arguments(
        command(
            "execute", execute.execute, "execute the lessons without a browser, into an index page"
        )
    )
    refresh.add_refresh_arguments(
        command("refresh", refresh.refresh, "execute the lessons in place, and store their outputs")
    )
    build.add_site_arguments(
        command("site", build.site, "build a site: every lesson a page, as its outputs are stored")
    )
    sweep.add_sweep_arguments(
        command("sweep", sweep.sweep, "run one experiment with every combination of parameters")
    )
    own_pictures.add_inspect_arguments(
        command(
            "inspect", own_pictures.inspect, "judge pictures by a network that knows their kind"
        )
    )
    sub = command("train", train, "train the backbone; write checkpoints and pictures")
    add_data_options(sub)
    own_pictures.add_folder_arguments(sub)
    sub.add_argument(
        "--epochs",
        type=int,
        help=f"how often each image is visited (default: {RECIPE['epochs']})",
    )
    sub.add_argument(
        "--batch-size", type=int, help=f"images per step (default: {RECIPE['batch_size']})"
    )
    sub.add_argument(
        "--learning-rate",
        type=float,
        help=f"Adam's step size (default: {RECIPE['learning_rate']})",
    )
    sub.add_argument(
        "--seed",
        type=int,
        default=0,
        help="initial weights and order of the images (default: %(default)s)",
    )
    sub.add_argument(
        "--output",
        type=Path,
        default=Path("runs/train"),
        metavar="DIR",
        help="where to write; a run that was stopped goes on from what it finds there "
        "(default: %(default)s)",
    )
    add_data_options(command("data", data, "load the data, downloading it if need be"))
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run one command; return the exit status: 0, 1 if training went wrong, 2 for bad input."""
    args = parse(argv)
    folder = data_dir()
    if folder and folder != "sample":  # the lessons run in another folder than this one
        os.environ["AE_DATA_DIR"] = os.path.abspath(os.path.expanduser(folder))
    try:
        return args.function(args)
    except (ImportError, MemoryError, OSError, RuntimeError, TypeError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())

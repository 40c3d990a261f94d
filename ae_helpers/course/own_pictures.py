"""Lesson 13 without a notebook: train on a folder of pictures, and judge single files by it."""

import argparse
from pathlib import Path

from ae_helpers.files import replacing

NETWORK = "network.pt"
SETTINGS = {"size": 28, "numbers": 16, "steps": 1_000, "deep": False}


def add_folder_arguments(parser: argparse.ArgumentParser) -> None:
    """Teach ``parser`` the options of `train_on_folder`."""
    for name, what in {
        "size": "pixels of a side",
        "numbers": "numbers in a code",
        "steps": "steps of training, in batches of a twentieth of the pictures",
    }.items():
        about = f"for a folder: {what} (default: {SETTINGS[name]})"
        parser.add_argument(f"--{name}", type=int, help=about)
    parser.add_argument(
        "--deep",
        action="store_true",
        default=None,
        help="for a folder: halve the pictures until little is left, so that a code of any number "
        "of numbers will do for any size",
    )


def is_folder(data: str) -> bool:
    """Whether ``--data`` is meant as a folder, and not as the name of a dataset."""
    from ae_helpers.data import NAMES

    path = Path(data).expanduser()
    return data not in NAMES and (path.is_dir() or path.name != data)


def settle(args: argparse.Namespace, own: dict, other: dict) -> None:
    """Fill in the defaults of ``own`` options, and refuse those that would change nothing here.

    Raises:
        ValueError: one of the ``other`` options was given.
    """
    for name in other:
        if getattr(args, name) is not None:
            mine = ", ".join(f"--{each.replace('_', '-')}" for each in own)
            raise ValueError(
                f"--{name.replace('_', '-')} has no meaning for {args.data}; expected one of "
                f"{mine}. Leave it out."
            )
    for name, value in own.items():
        if getattr(args, name) is None:
            setattr(args, name, value)


def train_on_folder(args: argparse.Namespace) -> int:
    """Train on the folder ``args.data``; write the network, its pictures, and print its error.

    Returns:
        The exit status: 0; 1 if the network is no better than the mean image.

    Raises:
        OSError, TypeError, ValueError, MemoryError: see ``data.load_folder``, ``any_shape.build``
            and ``training.fit``; nothing is written then.
    """
    import torch

    from ae_helpers import measures, plots, training
    from ae_helpers.data import load_folder
    from ae_helpers.measures import baselines
    from ae_helpers.models import any_shape

    pictures = load_folder(args.data, 3, args.size)
    print(pictures)
    torch.manual_seed(args.seed)
    shape, test = tuple(pictures.train_images.shape[1:]), pictures.test_images
    steady = {"activation": "gelu", "norm": "batch"}
    network = any_shape.build(shape, args.numbers, deep=args.deep, **steady)
    plan = training.plan(len(pictures.train_images), args.steps)
    print(f"training for {plan['epochs']} epochs in batches of {plan['batch_size']}")
    before = measures.reconstruct(network, test[: training.SHOWN])
    history = training.fit(network, pictures, **plan, one_cycle=True, seed=args.seed)
    sticks = baselines.measuring_sticks(pictures, min(args.numbers, len(pictures.train_images)))
    errors = sticks | {"this network": measures.evaluate(network, test)}
    print("\ntest error (MSE per pixel)")
    for name, error in errors.items():
        print(f"  {name:26} {error:.5f}")

    save(args.output / NETWORK, network, pictures.train_images)
    after = measures.reconstruct(network, test[: training.SHOWN])
    figure = plots.before_after(test[: training.SHOWN], 0.1, before=before, after=after)
    with replacing(args.output / "before_after.png") as part:
        part.write_bytes(plots.png(figure))
    print(f"written to {args.output}: {NETWORK}, before_after.png")
    print(f"judge a picture: python -m ae_helpers inspect {args.output / NETWORK} FILE")
    if history.problems or errors["this network"] >= sticks["mean image"]:
        print("This network has learned nothing that the mean image doesn't know.")
        return 1
    return 0


def save(path, network, train_images) -> None:
    """Keep a network with what a picture's score is to be compared with: the training pictures'.

    Args:
        path: the file.
        network: from ``any_shape.build``, trained.
        train_images: ``(N, C, H, W)``.
    """
    from ae_helpers import measures
    from ae_helpers.models import checkpoints

    scores = measures.worst_patch(train_images, measures.reconstruct(network, train_images))
    checkpoints.save(path, network, scores=scores.sort().values)


def add_inspect_arguments(parser: argparse.ArgumentParser) -> None:
    """Teach ``parser`` the options of `inspect`."""
    parser.add_argument("network", type=Path, help=f"a network that was kept, such as {NETWORK}")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="pictures to judge")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="where error maps are written (default: the folder inspected beside the network; "
        "not beside the pictures, where they would be taken for more of them)",
    )


def inspect(args: argparse.Namespace) -> int:
    """Judge pictures: error, worst patch, its rank among the training pictures, and an error map.

    Returns:
        The exit status: 0; 1 if a file couldn't be read, after all others have been judged.

    Raises:
        FileNotFoundError, ValueError: no network that was kept with its scores.
    """
    import sys

    from ae_helpers import measures, plots
    from ae_helpers.data import load_picture
    from ae_helpers.models.any_shape import ShapedAutoencoder
    from ae_helpers.models.checkpoints import load, load_model

    known = load(args.network).get("scores")
    if known is None:
        raise ValueError(
            f"{args.network} has no scores of its training pictures, so a rank can't be told; "
            f"expected a {NETWORK}, as lesson 13 and train --data FOLDER write it. Name such a one."
        )
    network = load_model(args.network, ShapedAutoencoder)
    output, failed = args.output or args.network.parent / "inspected", False
    print("error    worst patch  rank among training pictures  file")
    for file in args.files:
        try:
            image = load_picture(file, network.input_shape)
        except (OSError, ValueError) as problem:
            print(problem, file=sys.stderr)
            failed = True
            continue
        rebuilt = measures.reconstruct(network, image)
        error = measures.image_errors(image, rebuilt).item()
        worst = measures.worst_patch(image, rebuilt).item()
        rank = int((known > worst).sum()) + 1
        with replacing(output / f"{file.resolve().parent.name}, {file.name}.png") as part:
            part.write_bytes(plots.png(plots.before_after(image, 0.1, rebuilt=rebuilt)))
        place = f"{rank:,} of {len(known) + 1:,}"
        print(f"{error:.5f}  {worst:.5f}      {place:28}  {file.name}")
    print(f"rank 1 is the strangest; error maps are in {output}")
    return int(failed)

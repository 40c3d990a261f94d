"""What batch normalisation makes of one image in the company of others."""

import copy

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ae_helpers.data import ImageData, to_float
from ae_helpers.measures import image_errors, latent
from ae_helpers.widgets.controls import choice, slider, switch
from ae_helpers.widgets.explorer import Explorer, digit_name, own_copy
from ae_helpers.widgets.pictures import SMALL, as_image, coloured, picture, tiles

CHOSEN = 500  # images to choose from
ALONE, RANDOM, BLACK = "nobody: a batch of one", "random digits", "black images"
MATES = 5  # rows of them in the picture, and as many columns
LIMIT = 0.5  # the difference of a pixel that is shown as darkest


def batch_mates(model: nn.Module, data: ImageData) -> Explorer:
    """Choose the batch-mates of a digit, and see what they do to its code and reconstruction.

    In training mode batch normalisation uses the statistics of the batch, so they do something; in
    evaluation mode they don't. Only the layers of batch normalisation change their mode: dropout,
    if there is any, stays off, or chance would be shown as well.

    Args:
        model: a trained autoencoder with batch normalisation, as ``own_copy`` takes it. It
            stays as it is, its running statistics included.
        data: its test images are the digits to choose from, and their company.

    Raises:
        TypeError, ValueError: see ``own_copy``; or a model without batch normalisation, or
            with one that keeps no running statistics.
    """
    evaluated = own_copy(model, data.test_images)
    layers = [part for part in evaluated.modules() if isinstance(part, _BatchNorm)]
    if not layers:
        raise ValueError(
            f"This {type(model).__name__} has no batch normalisation, so no image's code depends "
            "on its batch-mates; expected a network that has it. Train models.Autoencoder.steady() "
            'or models.Autoencoder(norm="batch").'
        )
    if any(layer.running_mean is None for layer in layers):
        raise ValueError(
            "A batch normalisation of this network keeps no running statistics, so it has no "
            "evaluation mode to compare with; expected track_running_stats=True, the default."
        )
    # Another copy, for the statistics of the one above must not change.
    trained = copy.deepcopy(evaluated)
    for part in trained.modules():
        if isinstance(part, _BatchNorm):
            part.train()

    images, labels = data.test_images.cpu(), data.test_labels
    codes = latent.encode(evaluated, images[:CHOSEN])
    nearest, classes = nearest_others(codes), of_one_class(labels)
    companies = [RANDOM, *classes, BLACK, ALONE]

    def company(digit: int, mates: str, size: int, draw: int) -> Tensor:
        """The other images of the batch, ``(n, C, H, W)``, drawn without repeating one."""
        if mates == BLACK:
            return torch.zeros_like(images[:1]).expand(size, -1, -1, -1)
        order = torch.randperm(len(images), generator=torch.Generator().manual_seed(draw))
        order = order[order != digit]
        if mates == ALONE:
            size = 0
        elif mates != RANDOM:
            order = order[labels[order] == classes[mates]]
        return images[order[:size]]

    def draw(digit: int, mates: str, size: int, draw: int, evaluation: bool):
        others = company(digit, mates, size, draw)
        batch = to_float(torch.cat([images[digit : digit + 1], others]))
        network = evaluated if evaluation else trained
        together = network.encode(batch)
        # As in training, the batch stays together in the decoder, too.
        code, rebuilt = together[0], network.decode(together)[0]
        usual = evaluated(batch[:1])[0]
        moved = (code - codes[digit]).norm().item()
        errors = [image_errors(batch[:1], each[None]).item() for each in (rebuilt, usual)]
        mode = "Evaluation mode" if evaluation else "Training mode"
        name = digit_name(digit, labels)
        return {
            "digit": as_image(batch[0]),
            "its batch-mates": tiles(others, MATES, MATES, below=0, beside=0),
            "in this batch": as_image(rebuilt),
            "in evaluation mode": as_image(usual),
            "difference": coloured((rebuilt - usual)[0], "RdBu_r", -LIMIT, LIMIT),
        }, (
            f"{mode}, {name} with {len(others)} batch-mates: its code is {moved:.2f} away from its "
            f"place in evaluation mode; the nearest code of another digit is {nearest[digit]:.2f} "
            f"away. Error in this batch {errors[0]:.4f}, in evaluation mode {errors[1]:.4f} (MSE "
            "per pixel)."
        )

    return Explorer(
        "Choose the batch-mates of a digit",
        {
            "mates": choice("batch-mates", companies, RANDOM),
            "size": slider("how many", 1, 31, 7),
            "draw": slider("another draw", 0, 9, 0),
            "digit": slider("digit", 0, len(codes) - 1, 0),
            "evaluation": switch("evaluation mode", False),
        },
        {
            "digit": picture("The chosen digit.", SMALL),
            "its batch-mates": picture("The images in the batch with it.", SMALL),
            "in this batch": picture(
                "What the network draws for the digit in the company of these.", SMALL
            ),
            "in evaluation mode": picture(
                "What it draws in evaluation mode, whatever the batch.", SMALL
            ),
            "difference": picture(
                f"Red where the company makes a pixel brighter, blue where darker, to ±{LIMIT}.",
                SMALL,
            ),
        },
        draw,
        across=3,
    )


def nearest_others(codes: Tensor) -> Tensor:
    """How far from each code, ``(N, D)``, the nearest of the others is: ``(N,)``."""
    apart = torch.cdist(codes, codes, compute_mode="donot_use_mm_for_euclid_dist")  # to be exact
    return apart.fill_diagonal_(torch.inf).amin(1)


def of_one_class(labels: Tensor | None) -> dict[str, int]:
    """Companies whose images are all of one class: their names, and which."""
    return {} if labels is None else {f"only of class {c}": c for c in labels.unique().tolist()}

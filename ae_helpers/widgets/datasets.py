"""Every dataset through every network: what each makes of images it was not made for."""

import functools

from PIL import Image
from torch import Tensor, nn

from ae_helpers.data import ImageData
from ae_helpers.measures import image_errors, reconstruct
from ae_helpers.measures.baselines import black, mean_image
from ae_helpers.plots.style import ERROR_MAX
from ae_helpers.widgets.controls import choice, slider
from ae_helpers.widgets.explorer import Explorer, check_named, digit_name, own_copy
from ae_helpers.widgets.pictures import as_image, error_map, picture

CHOSEN = 200  # images to choose from, and to average errors over


def dataset_browser(networks: dict[str, nn.Module], datasets: dict[str, ImageData]) -> Explorer:
    """Choose a dataset, a network and an image: original, reconstruction, error map.

    Where the network takes images of another shape, the explorer says so and shows no more than
    the original.

    Args:
        networks: autoencoders by name, as ``own_copy`` takes them; each fits one of the
            datasets.
        datasets: by name; of grey or RGB images. The first test images are shown, and the mean
            image is that of the training images.

    Raises:
        TypeError, ValueError: see ``own_copy``; or nothing to choose from, a network that
            fits no dataset, or images with neither 1 nor 3 channels.
    """
    check_named("networks", networks, '{"digits": model}')
    check_named("datasets", datasets, '{"digits": digits}')
    tests = {name: images.test_images[:CHOSEN].cpu() for name, images in datasets.items()}
    copies = {name: _own(name, network, tests) for name, network in networks.items()}
    count = min(map(len, tests.values()))

    @functools.cache
    def rebuilt(network: str, dataset: str) -> tuple[Tensor, Tensor] | None:
        """All its images as the network rebuilds them, and their errors, if they fit."""
        model, images = copies[network], tests[dataset]
        fits = tuple(images.shape[1:]) == tuple(getattr(model, "input_shape", images.shape[1:]))
        if not fits:
            return None
        answers = reconstruct(model, images)
        return answers, image_errors(images, answers)

    @functools.cache
    def by_mean_image(dataset: str) -> Tensor:
        return image_errors(tests[dataset], mean_image(datasets[dataset].train_images.cpu()))

    def draw(dataset: str, network: str, number: int):
        images, labels = tests[dataset], datasets[dataset].test_labels
        image, found = images[number], rebuilt(network, dataset)
        which = digit_name(number, labels, "image")
        said = f"{dataset}, {which}, by the network “{network}”"
        original = as_image(image)
        if found is None:
            blank = Image.new("LA", original.size, (255, 0))
            takes, has = ("×".join(map(str, s)) for s in (copies[network].input_shape, image.shape))
            return {"original": original, "reconstruction": blank, "squared error": blank}, (
                f"{said}: it takes images of {takes}, and these are {has}. Choose another network, "
                "or build one for them."
            )
        answers, errors = found
        by_mean = by_mean_image(dataset)
        own, mean = errors[number].item(), by_mean[number].item()
        return {
            "original": original,
            "reconstruction": as_image(answers[number]),
            "squared error": error_map(image, answers[number]),
        }, (
            f"{said}: error {own:.4f} (MSE per pixel and channel), the mean image's {mean:.4f}, "
            f"black's {black(image[None]):.4f}. Over {len(images)} images {errors.mean():.4f}, "
            f"{errors.mean() / by_mean.mean():.0%} of the mean image's {by_mean.mean():.4f}."
        )

    return Explorer(
        "Send every dataset through every network",
        {
            "dataset": choice("dataset", list(datasets)),
            "network": choice("network", list(networks)),
            "number": slider("image", 0, count - 1, 0),
        },
        {
            "original": picture("The chosen image."),
            "reconstruction": picture("What the chosen network makes of it."),
            "squared error": picture(
                f"Where they differ: palest for 0, darkest from {ERROR_MAX} on, the mean of all "
                "channels."
            ),
        },
        draw,
    )


def _own(name: str, network: nn.Module, tests: dict[str, Tensor]) -> nn.Module:
    """A copy of the network, checked on the first dataset that has its shape."""
    wanted = getattr(network, "input_shape", None)
    fitting = [x for x in tests.values() if wanted is None or tuple(x.shape[1:]) == tuple(wanted)]
    if not fitting:
        shapes = ", ".join(f"{n} {tuple(x.shape[1:])}" for n, x in tests.items())
        raise ValueError(
            f"The network {name!r} takes images of shape {tuple(wanted)}; expected a dataset of "
            f"that shape among {shapes}. Add one, or leave the network out."
        )
    return own_copy(network, fitting[0], trained=False)

"""What a dataset is here, and the one way from its bytes to what the networks take."""

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ae_helpers.data.settings import is_whole, plain

TESTED = 5  # one image in so many of the reader's own is a test image


@dataclass(frozen=True)
class ImageData:
    """Training and test images with their labels, and where they came from.

    Images are ``uint8`` in 0 … 255, shape ``(N, C, H, W)``: a quarter of the memory of floats.
    ``to_float`` turns a batch into ``float32`` in [0, 1]. Labels are ``int64``, shape ``(N,)``.
    ``classes`` are their names, and the files those that the images were read from; both may be
    unknown, and empty.
    """

    name: str
    provenance: str
    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    classes: tuple[str, ...] = field(default=(), kw_only=True)
    train_files: tuple[str, ...] = field(default=(), kw_only=True)
    test_files: tuple[str, ...] = field(default=(), kw_only=True)

    @property
    def is_sample(self) -> bool:
        """Whether this is the offline sample and not the full set."""
        return self.name.endswith("sample")

    def take(self, train: int | None = None, test: int | None = None) -> "ImageData":
        """The first ``train`` training and ``test`` test images (``None``: all of them).

        Raises:
            ValueError: not a whole number from 0 on.
        """
        train, test = plain(train), plain(test)
        for name, value in {"train": train, "test": test}.items():
            if value is not None and not is_whole(value):
                raise ValueError(
                    f"{name}={value!r}; expected how many images to take, a whole number from 0 "
                    "on, or None for all."
                )
        return replace(
            self,
            train_images=self.train_images[:train],
            train_labels=self.train_labels[:train],
            test_images=self.test_images[:test],
            test_labels=self.test_labels[:test],
            train_files=self.train_files[:train],
            test_files=self.test_files[:test],
        )

    def __repr__(self) -> str:
        shape = "×".join(str(size) for size in self.train_images.shape[1:])
        return (
            f"{self.name}: {len(self.train_images):,} training and {len(self.test_images):,} test "
            f"images of {shape}, {str(self.train_images.dtype).removeprefix('torch.')}\n"
            f"source: {self.provenance}"
        )


def split(count: int, seed: int = 0) -> tuple[list[int], list[int]]:
    """Which of so many images are to train on and which to test, every fifth, in random order."""
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed)).tolist()
    tests = max(count // TESTED, 1)
    return order[tests:], order[:tests]


def from_tensors(
    images: Tensor, labels: Tensor | None = None, name: str = "own", seed: int = 0
) -> ImageData:
    """A dataset of images that are tensors already; every fifth, drawn with ``seed``, is to test.

    Args:
        images: ``(N, C, H, W)``, ``uint8``, or floats in [0, 1], which become ``uint8``; at least
            two.
        labels: ``(N,)``, whole numbers; by default all 0.
        name: what it is called.
        seed: which images are for testing.

    Raises:
        TypeError, ValueError: see ``check_images``; a single image, or another number of labels.
    """
    check_images(images)
    if len(images) < 2:
        raise ValueError("One image; expected at least two, one to train on and one to test.")
    labels = torch.zeros(len(images)) if labels is None else torch.as_tensor(labels)
    if labels.shape != (len(images),):
        raise ValueError(
            f"Labels have shape {tuple(labels.shape)}; expected {(len(images),)}, one for each "
            "image. Leave them out if there are none."
        )
    images, labels = images.detach().cpu(), labels.cpu().long()
    if images.dtype != torch.uint8:
        images = (images * 255).round().byte()
    train, test = split(len(images), seed)
    source = f"{len(images):,} images of your own"
    return ImageData(name, source, images[train], labels[train], images[test], labels[test])


def to_float(images: Tensor) -> Tensor:
    """Turn images into what the networks take: ``float32`` in [0, 1], shape unchanged.

    ``uint8`` is divided by 255, as torchvision's ``ToTensor`` does; floats are passed through.
    """
    # In place on the copy: a division would make a second one.
    return images.float().div_(255) if images.dtype == torch.uint8 else images.float()


def check_axes(images: Tensor) -> None:
    """Refuse what isn't a batch of images.

    Raises:
        ValueError: another number of axes than the four of ``(N, C, H, W)``.
    """
    if images.ndim != 4:
        cure = ""
        if images.ndim == 3:
            cure = " Add the channel axis: images[:, None]."
            if len(images) in (1, 3):  # more probably C than N
                cure = " One image is a batch of one: image[None]. Grey ones: images[:, None]."
        raise ValueError(
            f"Images have shape {tuple(images.shape)}; expected four axes (N, C, H, W).{cure}"
        )


def check_images(images: Tensor, shape: tuple[int, int, int] | None = None) -> None:
    """Refuse images that a network would silently learn nonsense from.

    Args:
        images: what is to be checked: ``(N, C, H, W)``, ``uint8``, or floats in [0, 1].
        shape: the ``(C, H, W)`` that the network takes, if known.

    Raises:
        TypeError: not a tensor, or neither ``uint8`` nor floating point.
        ValueError: another number of axes, no image, another shape, NaN, or values outside [0, 1].
    """
    if not isinstance(images, Tensor):
        raise TypeError(
            f"Images are a {type(images).__name__}; expected a torch tensor of shape (N, C, H, W). "
            "Convert them with torch.as_tensor(images)."
        )
    check_axes(images)
    if images.numel() == 0:
        raise ValueError(
            f"Images have shape {tuple(images.shape)}, so there is nothing in them; expected at "
            "least one image. Look at the slice or filter that made them."
        )
    if shape and tuple(images.shape[1:]) != tuple(shape):
        raise ValueError(
            f"Images have shape {tuple(images.shape[1:])} each; this network takes {tuple(shape)}. "
            "Resize them, or build a network for their size."
        )
    if images.dtype == torch.uint8:
        return
    if not images.is_floating_point():
        raise TypeError(
            f"Images are {images.dtype}; expected uint8 in 0 … 255 or floats in [0, 1]. "
            "Convert them with images.to(torch.uint8)."
        )
    if not torch.isfinite(images).all():
        bad = int((~torch.isfinite(images)).flatten(1).any(1).sum())
        raise ValueError(
            f"{bad} of {len(images)} images hold NaN or infinite pixels; expected numbers in "
            "[0, 1]. Look at how they were made, or drop them."
        )
    low, high = images.min().item(), images.max().item()
    if low < 0 or high > 1:
        cure = "Divide them by 255." if low >= 0 else "Scale them to [0, 1]."
        raise ValueError(f"Pixels run from {low:g} to {high:g}; expected [0, 1]. {cure}")

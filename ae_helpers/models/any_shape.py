"""The backbone for images of another shape: its encoder as it is, and a decoder derived from it.

For large images there is a deep one, whose code may have any number of numbers.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from ae_helpers.data.settings import is_whole, plain
from ae_helpers.models.backbone import Autoencoder, Decoder, Encoder

SMALLEST = 21  # pixels: a shorter side leaves no window for the encoder's last layer
CHANNELS = 64  # latent numbers, divided among the places of the last layer's output
LEFT = 7  # pixels: a deep encoder halves until no side is longer, then one window takes all


def encoder_sizes(side: int) -> list[int]:
    """What becomes of a side of the image in the encoder: 28 → [28, 16, 8, 4, 1].

    By the size rule ⌊(n + 2p − k)/s⌋ + 1, layer by layer.

    Raises:
        ValueError: the side is too short, and nothing would be left.
    """
    sizes = [side]
    for k, s, p in ((15, 1, 1), (3, 2, 1), (3, 2, 1), (5, 2, 1)):
        sizes.append((sizes[-1] + 2 * p - k) // s + 1)
    if side < SMALLEST:
        raise ValueError(
            f"A side of {side} pixels is too short: the encoder's windows leave nothing of it; "
            f"expected at least {SMALLEST}. Enlarge the images, or put a frame around them: "
            f"torch.nn.functional.pad(images, [{-(-(SMALLEST - side) // 2)}] * 4)."
        )
    return sizes


def before(m: int, k: int, s: int, p: int) -> tuple[int, int]:
    """Of which n a transposed convolution makes m, and with which output padding o.

    From m = (n − 1)s − 2p + k + o: n is the largest that fits, o the remainder, below s.
    """
    n, o = divmod(m + 2 * p - k, s)
    return n + 1, o


def decoder_settings(side: int) -> list[tuple[int, int, int, int]]:
    """Kernel, stride, padding and output padding of each layer of the decoder, along one side.

    From the image back to the code, by ``before``:

    - layer 4 keeps the backbone's k = 4, s = 2, p = 3;
    - layers 3 and 2 double, k = s = 2. To make an odd size they double and lose a pixel: p = o = 1,
      for with p = 0 and o = 1 no stamp would reach the last pixel;
    - layer 1 has stride 1 and the kernel that bridges what is left: k = m − n + 1.

    For 28 that is the backbone's decoder: 1 → 4 → 8 → 16 → 28.

    Raises:
        ValueError: see ``encoder_sizes``.
    """
    code, m, settings = encoder_sizes(side)[-1], side, []
    for k, p in ((4, 3), (2, None), (2, None)):
        p = m % 2 if p is None else p
        m, o = before(m, k, 2, p)
        settings.append((k, 2, p, o))
    settings.append((m - code + 1, 1, 0, 0))
    return settings[::-1]


def deep_sizes(height: int, width: int) -> list[tuple[int, int]]:
    """What becomes of an image in a deep encoder, halving by halving: 50×30, 25×15, 13×8, 7×4.

    By the size rule with k = 3, s = 2, p = 1, until no side is longer than ``LEFT``. The layer
    after it takes what is left as one window.
    """
    sizes = [(height, width)]
    while max(sizes[-1]) > LEFT:
        down, right = sizes[-1]
        sizes.append(((down + 1) // 2, (right + 1) // 2))
    return sizes


def deep_layers(shape: Sequence[int], latent_size: int) -> tuple[list[nn.Module], list[nn.Module]]:
    """The convolutions of a deep encoder, and the transposed ones of its decoder, in their order.

    A halving has k = 3, s = 2, p = 1, and 8, 16, 32 and then 64 channels. A doubling makes m of
    ⌈m/2⌉ with s = 2 and p = 1: k = 4 for an even m, 3 for an odd one, by ``before``.
    """
    sizes = deep_sizes(*shape[1:])
    wide = [shape[0], *(min(8 * 2**i, CHANNELS) for i in range(len(sizes) - 1))]
    down: list[nn.Module] = [nn.Conv2d(wide[-1], latent_size, sizes[-1])]
    up: list[nn.Module] = [nn.ConvTranspose2d(latent_size, wide[-1], sizes[-1])]
    for i in range(len(sizes) - 1, 0, -1):
        few, many, (height, width) = wide[i - 1], wide[i], sizes[i - 1]
        kernel = (4 - height % 2, 4 - width % 2)
        down.insert(0, nn.Conv2d(few, many, 3, stride=2, padding=1))
        up.append(nn.ConvTranspose2d(many, few, kernel, stride=2, padding=1))
    return down, up


class ShapedAutoencoder(Autoencoder):
    """The backbone for any image shape: ``(N, C, H, W)`` in [0, 1] → the same shape and range.

    ``build`` makes it. ``encode`` gives codes of shape ``(N, latent_size)``, and ``decode`` takes
    them; inside, they lie on ``code_shape``: ``(channels, height, width)``.

    Args:
        shape: ``(C, H, W)`` of an image.
        latent_size: the numbers in a code, over all its places.
        deep: halve until little is left, in place of the backbone's four layers.
        options: as ``Autoencoder`` takes them.
    """

    def __init__(
        self, shape: Sequence[int], latent_size: int = CHANNELS, deep: bool = False, **options
    ):
        self.latent_size = latent_size = plain(latent_size)
        self.input_shape, self.code_shape = _checked(shape, latent_size, deep)
        super().__init__(**options)
        self.options |= {"shape": self.input_shape, "latent_size": latent_size}
        if deep:
            self.options["deep"] = True  # checkpoints of the others stay what they are
            down, up = deep_layers(self.input_shape, latent_size)
            given = self.options | {"dropout": self.options.get("dropout", 0.0)}
            inside = {name: given[name] for name in ("activation", "norm", "dropout")}
            self.encoder = Encoder(**inside, layers=down)
            self.decoder = Decoder(**inside, output=given["output"], layers=up)
            return

        channels, *sides = self.input_shape
        # Replace only what differs, so that for the backbone's own shape nothing is drawn anew.
        if channels != 1:
            self.encoder.conv1 = nn.Conv2d(channels, 8, kernel_size=15, padding=1)
        if self.code_shape[0] != CHANNELS:
            self.encoder.conv4 = nn.Conv2d(32, self.code_shape[0], 5, stride=2, padding=1)
        wide = [self.code_shape[0], 32, 16, 8, channels]
        settings = zip(*map(decoder_settings, sides), strict=True)  # of both sides, by layer
        for number, by_side in enumerate(settings, start=1):
            kernel, stride, padding, extra = zip(*by_side, strict=True)
            layer = nn.ConvTranspose2d(
                wide[number - 1], wide[number], kernel, stride, padding, extra
            )
            if repr(layer) != repr(self.decoder.get_submodule(f"deconv{number}")):
                setattr(self.decoder, f"deconv{number}", layer)

    def decode(self, latent: Tensor) -> Tensor:
        """The image of each latent code: ``(N, latent_size)`` → ``(N, C, H, W)``."""
        return self.decoder(latent.view(-1, *self.code_shape))


def build(
    shape: Sequence[int], latent_size: int = CHANNELS, *, deep: bool = False, **options
) -> Autoencoder:
    """The autoencoder for images of this shape, with the backbone's eight layers, or a deep one.

    For ``(1, 28, 28)`` it *is* the backbone: the same layers, and the same weights from the same
    seed. Elsewhere the first layer takes C channels, the last gives C; the decoder's kernels and
    paddings are worked out by ``decoder_settings``; and where the encoder leaves more than one
    place, the 64 numbers are divided among them.

    A deep one halves the image until at most 7×7 places are left, and makes the code of all of them
    at once (``deep_layers``). So any number of numbers will do, also for large images.

    Args:
        shape: ``(C, H, W)`` of an image; H and W at least 21, and they may differ. For a deep one
            they may be shorter.
        latent_size: the numbers in a code. The places that the encoder leaves must divide it,
            unless it is deep.
        deep: as many halvings as the image needs.
        options: ``activation``, ``norm``, ``output``, ``dropout``, as ``Autoencoder`` takes them.

    Raises:
        TypeError: ``shape`` isn't three whole numbers.
        ValueError: a shape or a size of the code for which there is no such network; the message
            says why, and what would do. Or an unknown option.
    """
    return ShapedAutoencoder(shape, latent_size, deep, **options)


def _checked(
    shape: Sequence[int], latent_size: int, deep: bool
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The shape of an image and of its code, if there is a network for both."""
    try:
        sizes = tuple(plain(size) for size in shape)
    except TypeError:
        sizes = ()
    if [type(size) for size in sizes] != [int] * 3:
        raise TypeError(
            f"The shape is {shape!r}; expected three whole numbers (C, H, W), such as (3, 32, 32). "
            "For images in a batch it is tuple(images.shape[1:])."
        )
    shape = sizes
    if shape[0] < 1:
        raise ValueError(f"The shape {shape} has {shape[0]} channels; expected 1 or more.")
    if shape[2] <= 4 < SMALLEST <= shape[0]:
        raise ValueError(
            f"The shape {shape} has its channels last; expected them first: "
            f"{(shape[2], *shape[:2])}. Turn the images: images.permute(0, 3, 1, 2)."
        )
    if not is_whole(latent_size, 1):
        raise ValueError(f"latent_size={latent_size!r}; expected a whole number from 1 on.")
    if deep:
        if min(shape[1:]) < 1:
            raise ValueError(f"The shape {shape} has no pixels; expected sides of 1 or more.")
        return shape, (latent_size, 1, 1)
    height, width = (encoder_sizes(side)[-1] for side in shape[1:])
    places = height * width
    if latent_size % places:
        less, more = (latent_size // places + i for i in (0, 1))
        near = " or ".join(str(channels * places) for channels in (less, more) if channels)
        raise ValueError(
            f"latent_size={latent_size} can't be divided among the {height}×{width} places that "
            f"the encoder leaves of {shape[1]}×{shape[2]} pixels; expected a multiple of {places}, "
            f"such as {near}. With deep=True any number will do."
        )
    return shape, (latent_size // places, height, width)

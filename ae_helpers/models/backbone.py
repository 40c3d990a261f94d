"""The backbone: an encoder, a decoder, the autoencoder made of both, and its shape ledger."""

import contextlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ae_helpers.data import check_images, to_float
from ae_helpers.data.settings import is_number, plain

if TYPE_CHECKING:
    import pandas as pd

ACTIVATIONS = {"relu": nn.ReLU, "leaky_relu": nn.LeakyReLU, "gelu": nn.GELU}
NORMS = {None: None, "batch": nn.BatchNorm2d}
OUTPUTS = {"sigmoid": nn.Sigmoid, "linear": nn.Identity}
POOLINGS = (nn.MaxPool2d, nn.AvgPool2d)


class _Layers(nn.Sequential):
    """A ``Sequential`` that can be cut: ``encoder[:3]`` is a plain ``Sequential``."""

    def __getitem__(self, index: int | slice) -> Any:
        return nn.Sequential(OrderedDict(self.named_children()))[index]


class Encoder(_Layers):
    """Four convolutions that turn an image into 64 numbers: ``(N, 1, 28, 28)`` → ``(N, 64, 1, 1)``.

    ``activation`` (and ``norm`` and ``dropout``, if any) stand after every layer but the last,
    whose 64 outputs are the latent code and may take any value. ``layers`` are others, in place of
    the backbone's four.
    """

    def __init__(
        self,
        activation: str = "relu",
        norm: str | None = None,
        dropout: float = 0.0,
        layers: list[nn.Module] | None = None,
    ):
        layers = layers or [
            nn.Conv2d(1, 8, kernel_size=15, stride=1, padding=1),  #  → ( 8, 16, 16)
            nn.Conv2d(8, 16, kernel_size=3, stride=2, padding=1),  #  → (16,  8,  8)
            nn.Conv2d(16, 32, kernel_size=3, stride=2, padding=1),  # → (32,  4,  4)
            nn.Conv2d(32, 64, kernel_size=5, stride=2, padding=1),  # → (64,  1,  1)
        ]
        super().__init__(_named("conv", layers, activation, norm, dropout))


class Decoder(_Layers):
    """Four transposed convolutions, 64 numbers → image: ``(N, 64, 1, 1)`` → ``(N, 1, 28, 28)``.

    ``activation`` (and ``norm`` and ``dropout``, if any) stand after every layer but the last;
    ``output`` is ``"sigmoid"``, which keeps pixels in [0, 1], or ``"linear"``, which doesn't.
    ``layers`` are others, in place of the backbone's four.
    """

    def __init__(
        self,
        activation: str = "relu",
        norm: str | None = None,
        output: str = "sigmoid",
        dropout: float = 0.0,
        layers: list[nn.Module] | None = None,
    ):
        layers = layers or [
            nn.ConvTranspose2d(64, 32, kernel_size=4, stride=1, padding=0),  # → (32,  4,  4)
            nn.ConvTranspose2d(32, 16, kernel_size=2, stride=2, padding=0),  # → (16,  8,  8)
            nn.ConvTranspose2d(16, 8, kernel_size=2, stride=2, padding=0),  #  → ( 8, 16, 16)
            nn.ConvTranspose2d(8, 1, kernel_size=4, stride=2, padding=3),  #   → ( 1, 28, 28)
        ]
        super().__init__(_named("deconv", layers, activation, norm, dropout))
        self.add_module(output, _choose("output", output, OUTPUTS)())


class Autoencoder(nn.Module):
    """Encoder and decoder in a row: ``(N, 1, 28, 28)`` in [0, 1] → the same shape and range.

    With its defaults this is the backbone of every lesson: 94,393 parameters, 784 pixels squeezed
    through 64 numbers (Hinton & Salakhutdinov, "Reducing the Dimensionality of Data with Neural
    Networks", Science 313, 2006; convolutional as in Masci et al., ICANN 2011).

    Args:
        activation: ``"relu"``, ``"leaky_relu"`` or ``"gelu"``.
        norm: ``None`` or ``"batch"`` (batch normalisation before each activation).
        output: ``"sigmoid"`` or ``"linear"``.
        dropout: the probability with which training drops each number after each activation.

    Raises:
        ValueError: an option that isn't one of those, a ``dropout`` outside [0, 1).
    """

    input_shape: tuple[int, ...] = (1, 28, 28)
    latent_size = 64

    def __init__(
        self,
        activation: str = "relu",
        norm: str | None = None,
        output: str = "sigmoid",
        dropout: float = 0.0,
    ):
        super().__init__()
        activation, norm, output, dropout = map(plain, (activation, norm, output, dropout))
        self.options: dict[str, Any] = {"activation": activation, "norm": norm, "output": output}
        if dropout:  # checkpoints from before there was dropout stay what they are
            self.options["dropout"] = dropout
        self.encoder = Encoder(activation, norm, dropout)
        self.decoder = Decoder(activation, norm, output, dropout)

    @classmethod
    def steady(cls) -> "Autoencoder":
        """The backbone's layers with batch normalisation and GELU, as lesson 07 ends.

        For ``fit(…, batch_size=128, one_cycle=True)``, it is lower in error and sooner there.
        """
        return cls(activation="gelu", norm="batch")

    def forward(self, images: Tensor) -> Tensor:
        """Reconstruct images: ``(N, 1, 28, 28)`` → ``(N, 1, 28, 28)``."""
        return self.decoder(self.encoder(images))

    def encode(self, images: Tensor) -> Tensor:
        """The latent code of each image: ``(N, 1, 28, 28)`` → ``(N, 64)``."""
        return self.encoder(images).flatten(1)

    def decode(self, latent: Tensor) -> Tensor:
        """The image of each latent code: ``(N, 64)`` → ``(N, 1, 28, 28)``."""
        return self.decoder(latent[:, :, None, None])


class Paired(nn.Module):
    """An autoencoder made of any two halves: ``(N, 1, 28, 28)`` in [0, 1] → the same shape.

    Args:
        encoder: ``(N, 1, 28, 28)`` → codes, ``(N, latent_size)`` or ``(N, latent_size, 1, 1)``.
        decoder: ``(N, latent_size, 1, 1)`` → ``(N, 1, 28, 28)``. One that begins with a linear
            layer begins with ``nn.Flatten()`` before it.
        latent_size: how many numbers a code has.
    """

    input_shape: tuple[int, ...] = (1, 28, 28)

    def __init__(self, encoder: nn.Module, decoder: nn.Module, latent_size: int = 64):
        super().__init__()
        self.encoder, self.decoder, self.latent_size = encoder, decoder, latent_size

    def forward(self, images: Tensor) -> Tensor:
        """Reconstruct images: ``(N, 1, 28, 28)`` → ``(N, 1, 28, 28)``."""
        return self.decode(self.encode(images))

    def encode(self, images: Tensor) -> Tensor:
        """The latent code of each image: ``(N, 1, 28, 28)`` → ``(N, latent_size)``."""
        return self.encoder(images).flatten(1)

    def decode(self, latent: Tensor) -> Tensor:
        """The image of each latent code: ``(N, latent_size)`` → ``(N, 1, 28, 28)``."""
        return self.decoder(latent[:, :, None, None])


@contextlib.contextmanager
def ordinary() -> Iterator[None]:
    """Within this block new tensors are ``float32`` on the CPU, whatever torch's defaults are."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    # Only where it has to be: it costs time in each operation.
    elsewhere = torch.empty(0).device.type != "cpu"
    try:
        with torch.device("cpu") if elsewhere else contextlib.nullcontext():
            yield
    finally:
        torch.set_default_dtype(before)


def check_weights(model: nn.Module) -> None:
    """Refuse a network that can't take images, which are ``float32``.

    Raises:
        TypeError: weights of another type, or without numbers.
    """
    for name, weight in model.named_parameters():
        if weight.is_meta or (weight.is_floating_point() and weight.dtype != torch.float32):
            raise TypeError(
                f"{name} is {weight.dtype} on {weight.device}; expected torch.float32 on a CPU or "
                "GPU. Call model.float(), or build the network anew after "
                "torch.set_default_dtype(torch.float32) and torch.set_default_device(None)."
            )


@ordinary()
@torch.no_grad()  # not inference_mode: what comes back may go into a network that is trained
def in_evaluation(
    model: nn.Module, function: Callable[[Tensor], Tensor], images: Tensor, batch_size: int
) -> Tensor:
    """Pass images through ``model``, or a part of it, in evaluation mode and part by part.

    Args:
        model: its mode (training or evaluation) is put back afterwards.
        function: ``model`` itself or a method of it: floats in [0, 1] → a tensor, per image.
        images: ``(N, C, H, W)``, ``uint8`` or floats in [0, 1].
        batch_size: how many at once.

    Returns:
        What ``function`` gave, on the CPU.

    Raises:
        TypeError, ValueError: see ``data.check_images`` and ``check_weights``.
    """
    check_images(images, getattr(model, "input_shape", None))
    check_weights(model)
    device, was_training = next(model.parameters(), images).device, model.training
    model.eval()
    answers = torch.empty(0)
    try:
        for start in range(0, len(images), batch_size):
            answer = function(to_float(images[start : start + batch_size].to(device)))
            if not start:  # in one piece, without a second copy of all at the end
                answers = answer.new_empty(len(images), *answer.shape[1:], device="cpu")
            answers[start : start + batch_size] = answer
    finally:
        model.train(was_training)
    return answers


def count_parameters(module: nn.Module) -> int:
    """How many numbers the training adjusts."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def ledger(module: nn.Module, input_shape: tuple[int, ...]) -> "pd.DataFrame":
    """What each layer does to one input, measured by hooks while a zero image passes through.

    Args:
        module: anything built of ``Conv2d``, ``ConvTranspose2d``, ``Linear``, pooling and
            ``Upsample``, run in the order of its calls. Other layers, such as normalisations and
            activations, don't multiply whole windows and are left out.
        input_shape: the shape of one input, without the batch axis: ``(1, 28, 28)``.

    Returns:
        A table with a row per layer: the layer; its output shape ``C×H×W``; its parameters; how
        many of them are ever read, whatever the image: all but the weights that for inputs of this
        shape lie on padding in every window; its multiplications for one image; and the side of its
        receptive field: the square of input pixels that one output can see. r ← r + (k − 1)·j and
        j ← j·s with the jump j between neighbouring outputs (Araujo, Norris & Sim, "Computing
        Receptive Fields of Convolutional Neural Networks", Distill 2019). It is left out from the
        first layer on that isn't a convolution or pooling: a linear layer sees everything.
    """
    import pandas as pd

    rows, jump = [], 1
    field: int | None = 1

    def record(layer: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        nonlocal field, jump
        # A convolution multiplies a whole window for each output, a linear layer all inputs; a
        # transposed convolution multiplies a whole stamp for each input. weight[0] is each of them.
        spread = inputs[0] if isinstance(layer, nn.ConvTranspose2d) else output
        products = spread[0].numel() * layer.weight[0].numel() if hasattr(layer, "weight") else 0
        if not isinstance(layer, (nn.Conv2d, *POOLINGS)):
            field = None
        if field is not None:
            field += (_side(layer.kernel_size) - 1) * jump
            jump *= _side(layer.stride)
        rows.append(
            {
                "layer": _describe(layer),
                "output": "×".join(str(size) for size in output.shape[1:]),
                "parameters": count_parameters(layer),
                "ever read": count_parameters(layer) - _never_read(layer, inputs[0]),
                "multiplications": products,
                "receptive field": "" if field is None else f"{field}×{field}",
            }
        )

    kinds = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, nn.Upsample, *POOLINGS)
    hooks = [m.register_forward_hook(record) for m in module.modules() if isinstance(m, kinds)]
    was_training = module.training
    try:
        module.eval()  # a batch of one would confuse batch normalisation
        with torch.inference_mode(False), torch.no_grad():
            module(torch.zeros(1, *input_shape))
    finally:
        module.train(was_training)
        for hook in hooks:
            hook.remove()
    return pd.DataFrame(rows, index=pd.RangeIndex(1, len(rows) + 1, name="#"))


def _never_read(layer: Any, like: Tensor) -> int:
    """How many weights of a layer meet nothing but padding, for inputs of the shape of ``like``.

    With ones as input the gradient of the outputs' sum says how many numbers of the input each
    weight multiplies. That is a matter of the shapes alone: nothing cancels, and no ReLU stands
    between. A layer that isn't trained has no parameters in the ledger, hence none to miss.
    """
    weight = getattr(layer, "weight", None)
    if weight is None or not weight.requires_grad:
        return 0
    with torch.enable_grad():  # forward, not the call, which would come back to the ledger's hook
        outputs = layer.forward(torch.ones_like(like)).sum()
        (met,) = torch.autograd.grad(outputs, weight)
    return int((met == 0).sum())


def _describe(layer: Any) -> str:
    name = type(layer).__name__
    if isinstance(layer, nn.Linear):
        return f"{name}({layer.in_features}, {layer.out_features})"
    if isinstance(layer, nn.Upsample):
        return f"{name}({layer.extra_repr().split(', mode')[0]})"
    channels = "" if isinstance(layer, POOLINGS) else f"{layer.in_channels}, {layer.out_channels}, "
    return (
        f"{name}({channels}kernel_size={_side(layer.kernel_size)}, stride={_side(layer.stride)}, "
        f"padding={_side(layer.padding)})"
    )


def _side(size: int | tuple[int, ...]) -> int:
    return size if isinstance(size, int) else size[0]


def _choose(option: str, value: str | None, choices: dict):
    if value not in choices:
        raise ValueError(f"Unknown {option} {value!r}; expected one of {list(choices)}.")
    return choices[value]


def _named(
    prefix: str, layers: Iterable[nn.Module], activation: str, norm: str | None, dropout: float
) -> OrderedDict[str, nn.Module]:
    """Name the layers conv1, conv2, …; after each but the last: norm, activation, dropout."""
    if not (is_number(dropout) and 0 <= dropout < 1):
        raise ValueError(f"dropout={dropout!r}; expected a probability in [0, 1), 0 by default.")
    activate, normalise = (
        _choose("activation", activation, ACTIVATIONS),
        _choose("norm", norm, NORMS),
    )
    layers, named = list(layers), OrderedDict()
    for number, layer in enumerate(layers, start=1):
        named[f"{prefix}{number}"] = layer
        if number < len(layers):
            if normalise:
                named[f"norm{number}"] = normalise(layer.out_channels)
            named[f"{activation}{number}"] = activate()
            if dropout:
                named[f"dropout{number}"] = nn.Dropout(dropout)
    return named

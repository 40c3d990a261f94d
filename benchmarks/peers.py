"""The backbone's training as other libraries write it, each the way of its own tutorials.

A peer is a function that takes the images and a device, "cpu" or "cuda", prepares what isn't timed
(data in the form that the library's users have, a compiled step) and returns a function that trains
one epoch from the same new weights. Its imports stand inside: a peer that isn't installed is left
out.
"""

import importlib
import importlib.util
import os
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Subset
from torchvision import datasets, transforms

from ae_helpers import training
from ae_helpers.data import ImageData, to_float
from ae_helpers.models import Autoencoder

fit_module = importlib.import_module("ae_helpers.training.fit")  # there, `fit` is the function

BATCH_SIZE, LEARNING_RATE = 32, 1e-2
SIDES, PARAMETERS = [28, 16, 8, 4, 1, 4, 8, 16, 28], 94_393  # of the backbone


def check_layers(peer: str, sides: Sequence[int], parameters: int) -> None:
    """Refuse a network that isn't the backbone: the sides of its images, layer by layer."""
    if (list(sides), parameters) != (SIDES, PARAMETERS):
        raise ValueError(
            f"{peer} has images of sides {list(sides)} and {parameters:,} parameters; expected "
            f"{SIDES} and {PARAMETERS:,}. Compare its layers with `ae_helpers/models.py`."
        )


# --------------------------------------------------------------------------------------- PyTorch


def loader(images: int) -> DataLoader:
    """torchvision's MNIST, from its files, an image at a time through ``ToTensor``, in batches."""
    root = os.environ.get("AE_DATA_DIR") or Path("data")
    every = datasets.MNIST(root, train=True, transform=transforms.ToTensor())
    return DataLoader(Subset(every, range(images)), BATCH_SIZE, shuffle=True)


def new_backbone() -> Autoencoder:
    torch.manual_seed(0)
    return Autoencoder()


def plain_loop(model: nn.Module, train: DataLoader, test: DataLoader, epochs: int) -> list[tuple]:
    """Train as the first chapter of any course does; return the summed errors of each epoch."""
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    device = next(model.parameters()).device
    errors = []
    for _ in range(epochs):
        model.train()
        train_error = test_error = 0.0
        for images, _ in train:
            images = images.to(device)
            loss = F.mse_loss(model(images), images)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            train_error += loss.item() * len(images)
        model.eval()
        with torch.no_grad():
            for images, _ in test:
                images = images.to(device)
                test_error += F.mse_loss(model(images), images).item() * len(images)
        errors.append((train_error, test_error))
    return errors


def plain_pytorch(digits: ImageData, device: str) -> Callable[[], None]:
    """The loop that everybody writes first."""
    train = loader(len(digits.train_images))
    return lambda: plain_loop(new_backbone().to(device), train, test=[], epochs=1)


def in_memory(digits: ImageData, device: str) -> Callable[[], None]:
    """What an expert changes first: all images one tensor, fused Adam, on a CPU channels last."""
    layout = torch.channels_last if device == "cpu" else torch.contiguous_format
    model = new_backbone().to(device, memory_format=layout)
    return _in_memory(digits, model, model)


def compiled(digits: ImageData, device: str) -> Callable[[], None]:
    """The same, with the network compiled into CUDA graphs by ``torch.compile``."""
    model = new_backbone().to(device)
    return _in_memory(digits, model, torch.compile(model, mode="reduce-overhead"))


def _in_memory(digits: ImageData, model: nn.Module, forward: nn.Module) -> Callable[[], None]:
    device = next(model.parameters()).device
    images, start = digits.train_images.to(device), new_backbone().state_dict()

    def train() -> None:
        model.load_state_dict(start)  # a new model would compile again
        optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, fused=True)
        for index in torch.randperm(len(images), device=device).split(BATCH_SIZE):
            optimizer.zero_grad()  # before CUDA graphs use the gradients' memory again
            batch = to_float(images[index])
            F.mse_loss(forward(batch), batch).backward()
            optimizer.step()

    return train


def lightning(digits: ImageData, device: str) -> Callable[[], None]:
    """A `LightningModule` and a `Trainer` that keeps no books."""
    import logging

    import lightning

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)  # what hardware there is, tips

    class LitBackbone(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.model = new_backbone()

        def training_step(self, batch, batch_index):
            images, _ = batch
            return F.mse_loss(self.model(images), images)

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), lr=LEARNING_RATE)

    def train() -> None:
        trainer = lightning.Trainer(
            accelerator=device,
            devices=1,
            max_epochs=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(LitBackbone(), batches)

    batches = loader(len(digits.train_images))
    return train


def fit(digits: ImageData, device: str) -> Callable[[], None]:
    """The course's own, with the ten test images that it can't do without."""
    fit_module.best_device = lambda: torch.device(device)  # as all others, on a Mac, too
    return lambda: training.fit(new_backbone(), digits, epochs=1, progress=False)


# ------------------------------------------------------------------------------------------- JAX


def channels_last(digits: ImageData):
    """A NumPy array of float32 in [0, 1], (N, 28, 28, 1)."""
    return to_float(digits.train_images).permute(0, 2, 3, 1).numpy()


def keras(digits: ImageData, device: str) -> Callable[[], None]:
    """A `Sequential` and `model.fit`. Keras knows no padding by numbers: layers of their own."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.ZeroPadding2D(1),
            layers.Conv2D(8, 15, activation="relu"),
            layers.ZeroPadding2D(1),
            layers.Conv2D(16, 3, strides=2, activation="relu"),
            layers.ZeroPadding2D(1),
            layers.Conv2D(32, 3, strides=2, activation="relu"),
            layers.ZeroPadding2D(1),
            layers.Conv2D(64, 5, strides=2),
            layers.Conv2DTranspose(32, 4, activation="relu"),
            layers.Conv2DTranspose(16, 2, strides=2, activation="relu"),
            layers.Conv2DTranspose(8, 2, strides=2, activation="relu"),
            layers.Conv2DTranspose(1, 4, strides=2),
            layers.Cropping2D(3),
            layers.Activation("sigmoid"),
        ]
    )
    sides = [layer.output.shape[1] for layer in model.layers if layer.weights]
    check_layers("Keras", [28, *sides[:-1], model.output_shape[1]], model.count_params())

    model.compile(optimizer=keras.optimizers.Adam(LEARNING_RATE), loss="mse")
    model.optimizer.build(model.trainable_variables)
    state = model.trainable_variables + model.optimizer.variables
    start = [keras.ops.convert_to_numpy(variable) for variable in state]

    def train() -> None:
        for variable, value in zip(state, start, strict=True):  # a new model would compile again
            variable.assign(value)
        model.fit(images, images, batch_size=BATCH_SIZE, epochs=1, verbose=0)

    images = channels_last(digits)
    return train


def flax(digits: ImageData, device: str) -> Callable[[], None]:
    """Flax's layers and Optax's Adam in one jitted step, which takes and gives plain arrays."""
    import jax
    import numpy as np

    images, new, step = _flax(digits)
    step = jax.jit(step, donate_argnums=0)

    def train() -> None:
        state = new()
        order = np.random.default_rng(0).permutation(len(images))
        for first in range(0, len(images), BATCH_SIZE):
            state, error = step(state, images[order[first : first + BATCH_SIZE]])
        error.block_until_ready()

    return train


def flax_scan(digits: ImageData, device: str) -> Callable[[], None]:
    """The same steps, the whole epoch one call: ``lax.scan``, with all images on the device.

    A last, shorter batch is left out.
    """
    import jax

    images, new, step = _flax(digits)
    images, steps = jax.numpy.asarray(images), len(images) // BATCH_SIZE

    @jax.jit
    def epoch(state, images, key):
        order = jax.random.permutation(key, len(images))[: steps * BATCH_SIZE]
        batches = order.reshape(steps, BATCH_SIZE)
        return jax.lax.scan(lambda state, index: step(state, images[index]), state, batches)

    def train() -> None:
        _, errors = epoch(new(), images, jax.random.key(0))
        errors.block_until_ready()

    return train


def _flax(digits: ImageData):
    """The images; a function that gives new weights with Adam's moments; a step."""
    import jax
    import optax
    from flax import nnx

    rngs = nnx.Rngs(0)
    model = nnx.Sequential(
        nnx.Conv(1, 8, (15, 15), padding=1, rngs=rngs),
        nnx.relu,
        nnx.Conv(8, 16, (3, 3), strides=2, padding=1, rngs=rngs),
        nnx.relu,
        nnx.Conv(16, 32, (3, 3), strides=2, padding=1, rngs=rngs),
        nnx.relu,
        nnx.Conv(32, 64, (5, 5), strides=2, padding=1, rngs=rngs),
        nnx.ConvTranspose(64, 32, (4, 4), padding="VALID", rngs=rngs),
        nnx.relu,
        nnx.ConvTranspose(32, 16, (2, 2), strides=2, padding="VALID", rngs=rngs),
        nnx.relu,
        nnx.ConvTranspose(16, 8, (2, 2), strides=2, padding="VALID", rngs=rngs),
        nnx.relu,
        # JAX counts what is added around the stretched image: kernel - 1 - PyTorch's padding.
        nnx.ConvTranspose(8, 1, (4, 4), strides=2, padding=0, rngs=rngs),
        nnx.sigmoid,
    )
    images, sides = channels_last(digits), [28]
    out = images[:1]
    for layer in model.layers:
        out = layer(out)
        if isinstance(layer, nnx.Module):
            sides.append(out.shape[1])
    graph, start = nnx.split(model)
    check_layers("Flax", sides, sum(values.size for values in jax.tree.leaves(start)))
    adam = optax.adam(LEARNING_RATE)

    def new():
        weights = jax.tree.map(jax.numpy.copy, start)
        return weights, adam.init(weights)

    def step(state, batch):
        def loss(weights):
            return ((nnx.merge(graph, weights)(batch) - batch) ** 2).mean()

        weights, moments = state
        error, gradients = jax.value_and_grad(loss)(weights)
        updates, moments = adam.update(gradients, moments, weights)
        return (optax.apply_updates(weights, updates), moments), error

    return images, new, step


# What is printed → the function, and the packages it needs, as `pip` and `import` call them.
ON_CPU = {
    "plain PyTorch": (plain_pytorch, ["torch"]),
    "PyTorch, in memory": (in_memory, ["torch"]),
    "Lightning": (lightning, ["lightning"]),
    "Keras on JAX": (keras, ["keras", "jax"]),
    "Flax": (flax, ["flax", "optax", "jax"]),
    "`fit`": (fit, ["torch"]),
}
ON_GPU = {
    **{name: ON_CPU[name] for name in ("plain PyTorch", "PyTorch, in memory", "Lightning")},
    "`torch.compile`": (compiled, ["torch", "triton"]),
    "Flax, an epoch one call": (flax_scan, ["flax", "optax", "jax", "jax_cuda12_plugin"]),
    "`fit`": ON_CPU["`fit`"],
}
PEERS = {"cpu": ON_CPU, "cuda": ON_GPU}


def missing(peer: str, device: str = "cpu") -> list[str]:
    """The packages of a peer that aren't installed."""
    packages = PEERS[device][peer][1]
    return [name for name in packages if importlib.util.find_spec(name) is None]


def versions(peer: str, device: str = "cpu") -> str:
    return ", ".join(f"{name} {version(name)}" for name in PEERS[device][peer][1])

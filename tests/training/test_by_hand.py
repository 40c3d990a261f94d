"""Gradients by hand: the numbers of autograd, for the backbone and nothing else."""

from functools import partial
from operator import attrgetter

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ae_helpers.models import Autoencoder
from ae_helpers.training import by_hand, loop
from ae_helpers.training.by_hand import ByHand


def images(count: int, dtype=torch.float64) -> torch.Tensor:
    return torch.rand(count, 1, 28, 28, dtype=dtype, generator=torch.Generator().manual_seed(count))


def by_autograd(model: nn.Module, batch: torch.Tensor) -> torch.Tensor:
    model.zero_grad()
    loss = F.mse_loss(model(batch), batch)
    loss.backward()
    return loss.detach()


def gradients(model: nn.Module) -> list[torch.Tensor]:
    return [parameter.grad.clone() for parameter in model.parameters()]


def check(model: nn.Module, step: ByHand, batch: torch.Tensor, rtol: float) -> None:
    expected = by_autograd(model, batch), *gradients(model)
    model.zero_grad()
    for mine, theirs in zip((step(batch), *gradients(model)), expected, strict=True):
        assert (mine - theirs).norm() <= rtol * theirs.norm()


@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float64, 1e-13), (torch.float32, 1e-5)])
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_loss_and_gradients(build, dtype, rtol, memory_format):
    """Several numbers of images in turn: the places of one mustn't hold the numbers of another."""
    model = build().to(dtype).to(memory_format=memory_format)
    step = ByHand(model)
    for count in (32, 5, 32, 1, 33):
        check(model, step, images(count, dtype), rtol)


def test_parameters_that_move(build):
    """Each of them, one after the other: to another value, and to another place in memory."""
    model = build().double()
    step = ByHand(model)
    for parameter in model.parameters():
        check(model, step, images(4), 1e-13)
        parameter.data.mul_(1.5)
        check(model, step, images(4), 1e-13)
        parameter.data = parameter.detach() / 2
    check(model, step, images(4), 1e-13)


def test_gradients_that_somebody_changes(build):
    """Weight decay by hand adds to a gradient; it must not add up over the steps."""
    model = build().double()
    step = ByHand(model)
    expected = step(images(4)), *gradients(model)
    for parameter in model.parameters():
        parameter.grad += 1
    found = step(images(4)), *gradients(model)
    assert all(torch.equal(mine, theirs) for mine, theirs in zip(found, expected, strict=True))


def test_places_for_two_numbers_of_images(build):
    """Or an epoch of many sizes would fill the memory."""
    step = ByHand(build())
    for count in (4, 2, 4, 3, 1, 3):
        step(images(count, torch.float32))
        assert len(step.steps) <= 2


def test_steps(build):
    """Those of the loop, up to rounding: losses, weights, the schedule, the mode."""
    models, losses = [build(), build()], []
    for model, steps in zip(models, (loop.train_steps, by_hand.train_steps), strict=True):
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
        schedule = torch.optim.lr_scheduler.LinearLR(optimizer, total_iters=10)
        batches = torch.arange(70).split(32)
        losses.append(
            list(steps(model.eval(), images(70, torch.float32), batches, optimizer, schedule))
        )
        assert model.training and schedule.last_epoch == 3
    torch.testing.assert_close(*losses)
    for mine, theirs in zip(*(model.parameters() for model in models), strict=True):
        torch.testing.assert_close(mine, theirs)


def test_steps_know_one_objective_only(build):
    model = build()
    steps = by_hand.train_steps(model, images(4), [], None, objective=by_autograd)
    with pytest.raises(ValueError, match="by_autograd.*expected reconstruction_error"):
        next(steps)


class Subclass(Autoencoder):
    """Prints like the original, computes something else."""

    def forward(self, images):
        return super().forward(images).square()

    def _get_name(self):
        return "Autoencoder"


def changed(change) -> nn.Module:
    model = Autoencoder()
    change(model)
    return model


def heard(part: str, listen: str) -> nn.Module:
    """A backbone with somebody who is told what happens to a part of it."""
    return changed(lambda model: getattr(attrgetter(part)(model), listen)(lambda *_: None))


OTHERS = {
    "gelu": lambda: Autoencoder(activation="gelu"),
    "batch norm": lambda: Autoencoder(norm="batch"),
    "linear output": lambda: Autoencoder(output="linear"),
    "dropout": lambda: Autoencoder(dropout=0.1),
    "a subclass": Subclass,
    "no network": lambda: nn.Linear(2, 2),
    "another layer": lambda: changed(
        lambda model: setattr(model.encoder, "conv2", nn.Conv2d(8, 16, 4, 2, 1))
    ),
    "without bias": lambda: changed(lambda model: setattr(model.decoder.deconv4, "bias", None)),
    "frozen": lambda: changed(lambda model: model.encoder.conv1.bias.requires_grad_(False)),
    "another forward": lambda: changed(lambda model: setattr(model, "forward", torch.abs)),
    **{
        listen: partial(heard, part, listen)
        for part, listen in (
            ("decoder.relu2", "register_forward_hook"),
            ("decoder.relu2", "register_forward_pre_hook"),
            ("decoder.relu2", "register_full_backward_hook"),
            ("decoder.relu2", "register_full_backward_pre_hook"),
            ("encoder.conv1.weight", "register_hook"),
            ("encoder.conv1.weight", "register_post_accumulate_grad_hook"),
        )
    },
}


@pytest.mark.parametrize("model", OTHERS.values(), ids=OTHERS)
def test_suits_no_other(model):
    model = model()
    assert not ByHand.suits(model)
    with pytest.raises(ValueError, match=r"Autoencoder\(\) as it comes"):
        ByHand(model)


def test_suits_the_backbone_and_draws_no_random_numbers():
    model, state = Autoencoder(), torch.get_rng_state()
    assert ByHand.suits(model)
    assert torch.equal(torch.get_rng_state(), state)


# A kernel's side, stride and padding, channels of the image and of the map, sides of the image.
GEOMETRIES = {
    "conv1": (by_hand.Overlapping, 15, 1, 1, 1, 8, (28, 28)),
    "conv2": (by_hand.Overlapping, 3, 2, 1, 8, 16, (16, 16)),
    "conv4": (by_hand.Separate, 5, 2, 1, 32, 64, (4, 4)),
    "deconv3": (by_hand.Separate, 2, 2, 0, 8, 16, (16, 16)),
    "deconv4": (by_hand.Overlapping, 4, 2, 3, 1, 8, (28, 28)),
    "not square": (by_hand.Overlapping, 3, 2, 1, 2, 3, (6, 8)),
    "no padding": (by_hand.Overlapping, 3, 1, 0, 2, 3, (7, 6)),
    "stride 3": (by_hand.Overlapping, 5, 3, 2, 2, 3, (9, 12)),
    "side by side": (by_hand.Separate, 3, 3, 0, 3, 2, (6, 9)),
    "one window": (by_hand.Separate, 4, 1, 0, 3, 5, (4, 4)),
}


@pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES)
def test_sides_of_a_layer(geometry):
    kind, k, stride, p, channels, maps, sides = geometry
    layer = nn.Conv2d(channels, maps, k, stride, p).double()
    image = torch.randn(3, channels, *sides).double().requires_grad_()
    expected = layer(image)
    by_map = torch.randn(expected.shape).double()
    by_image, by_weight = torch.autograd.grad(expected, (image, layer.weight), by_map)

    size, last = (3, *sides, channels), lambda t: t.permute(0, 2, 3, 1).detach()
    options = {"spreads": True} if kind is by_hand.Overlapping else {}
    found = kind(layer, size, tuple(last(expected).shape), **options)
    for _ in range(2):  # the second time, the places are full
        found.image_in.copy_(last(image).reshape(found.image_in.shape))
        found.map_in.copy_(last(by_map))
        found.gather(layer.bias.detach())
        found.spread()
        found.differentiate()
        torch.testing.assert_close(found.map_out, last(expected))
        torch.testing.assert_close(found.image_out.reshape(size), last(by_image))
        torch.testing.assert_close(found.by_weight, by_weight)


def test_windows_are_taken_together_where_they_overlap_much():
    assert by_hand._block(columns=16, k=15, stride=1, numbers=8) == 8
    assert by_hand._block(columns=8, k=3, stride=2, numbers=16) == 1
    assert by_hand._block(columns=7, k=99, stride=1, numbers=1) == 7  # 1 and 7 are all that fit

"""Checks for lesson 04: train it."""

import copy

import torch
from torch import nn
from torch.nn import functional as F

from ae_helpers.baselines import image_errors
from ae_helpers.data import to_float
from ae_helpers.diagnostics import Instruments
from ae_helpers.exercises import Mistake, call, check, given
from ae_helpers.models import Autoencoder

DIAGNOSES = ("healthy", "untrained", "collapsed")


class _Witness(nn.Module):
    """A tiny autoencoder that remembers in which mode it was called."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.squeeze, self.unsqueeze = nn.Linear(784, 4), nn.Linear(4, 784)
        self.modes = set()

    def forward(self, images):
        self.modes.add(self.training)
        return self.unsqueeze(self.squeeze(images.flatten(1))).view_as(images)


def _images(count: int) -> torch.Tensor:
    """Bytes that differ from image to image, so that every kind of average differs, too."""
    brightness = torch.linspace(40, 250, count).view(-1, 1, 1, 1)
    noise = torch.rand(count, 1, 28, 28, generator=torch.Generator().manual_seed(2))
    return (brightness * noise).to(torch.uint8)


def _epoch(model, optimizer, images, batches, zero_grad=True, reduction="mean", scale=True):
    """The right loop, or one with a typical mistake; returns the loss of each batch."""
    losses = []
    for index in batches:
        batch = to_float(images[index]) if scale else images[index].float()
        loss = F.mse_loss(model(batch), batch, reduction=reduction)
        if zero_grad:
            optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@check
def train_epoch(answer) -> str:
    """``answer(model, optimizer, images, batches)`` trains one epoch and returns its mean loss."""
    with torch.random.fork_rng(devices=[]):
        images, batches = _images(70), torch.arange(70).split(32)

        def outcome(loop, **mistake):
            """The trained weights, and what the loop returned."""
            model = _Witness().eval()
            optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
            found = loop(model, optimizer, images, batches, **mistake)
            return nn.utils.parameters_to_vector(model.parameters()).detach(), found, model.modes

        def attempt(*args):
            try:
                return call(answer, *args)
            except Mistake as mistake:
                if "inplace operation" not in str(mistake):
                    raise
                raise Mistake(
                    "optimizer.step() comes before loss.backward(), and changes the weights that "
                    "backward() still needs. First backward(), then step()."
                ) from None

        weights, found, modes = outcome(attempt)
        right, losses, _ = outcome(_epoch)
        untouched = nn.utils.parameters_to_vector(_Witness().parameters()).detach()

        def same(**mistake):
            other = outcome(_epoch, **mistake)[0]
            return torch.allclose(weights, other, rtol=1e-3, atol=1e-5, equal_nan=True)

        if torch.equal(weights, untouched):
            raise Mistake(
                "The weights never move. loss.backward() computes gradients and optimizer.step() "
                "uses them: one is missing, or zero_grad() stands between the two."
            )
        if not torch.allclose(weights, right, rtol=1e-4, atol=1e-6):
            if same(zero_grad=False):
                raise Mistake(
                    "zero_grad() is missing: backward() *adds* to the gradients that are there, so "
                    "each step also repeats all earlier ones."
                )
            if same(reduction="sum"):
                raise Mistake("The loss sums over pixels and images; the recipe's MSE is a mean.")
            if same(scale=False):
                raise Mistake("The batch still runs from 0 to 255: data.to_float is missing.")
            first = outcome(lambda m, o, i, b: _epoch(m, o, i, b[:1]))[0]
            if torch.allclose(weights, first, rtol=1e-4, atol=1e-6):
                raise Mistake("Only the first batch was trained on: is `return` inside the loop?")
            raise Mistake(
                "The weights move, but not as they should. For each batch, in this order: forward, "
                "loss, zero_grad, backward, step."
            )
        if modes != {True}:
            raise Mistake("The network was in evaluation mode: model.train() is missing.")
        if isinstance(found, torch.Tensor) and found.requires_grad:
            raise Mistake(
                "You return a tensor that still holds the graph of the whole epoch, and its "
                "memory. Add up loss.item() instead."
            )
        sizes = torch.tensor([len(batch) for batch in batches])
        mean = (torch.tensor(losses) * sizes).sum().item() / len(images)
        try:
            value = float(found)
        except (TypeError, ValueError):
            raise Mistake(f"You return {type(found).__name__}; expected one number.") from None
        for other, mistake in (
            (losses[-1], "That is the last batch's loss only; average over the whole epoch."),
            (sum(losses), "That is the sum of the losses; divide to get the mean."),
            (
                sum(losses) / len(losses),
                "Almost: you count the last batch of 6 images as much as one of 32. Weight each "
                "loss by len(index), and divide by len(images).",
            ),
            (
                sum(losses) / len(images),
                "You divide the sum of batch means by the number of images; multiply each loss by "
                "its batch's size first.",
            ),
        ):
            if abs(value - other) < 1e-5 * abs(other) and abs(value - mean) > 1e-5 * mean:
                raise Mistake(mistake)
        if abs(value - mean) > 1e-4 * mean:
            raise Mistake(f"The training is right, but you return {value:.4g}; expected {mean:.4g}")
    return "Right: the weights move as they should, and the mean counts every image once."


@check
def evaluate(answer) -> str:
    """``answer(model, images)``: the mean over images of the MSE, in evaluation mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model, images = Autoencoder(norm="batch"), _images(70)
        for _ in range(3):
            model(to_float(images))  # so that the running statistics aren't those of a newborn
        state = copy.deepcopy(model.state_dict())

        def error(mode: bool) -> float:
            with torch.inference_mode():
                output = copy.deepcopy(model).train(mode)(to_float(images))
            return image_errors(images, output).mean().item()

        right, in_train_mode = error(False), error(True)
        found = call(answer, model, images)
        moved = any(
            not torch.equal(value, state[name]) for name, value in model.state_dict().items()
        )
        if isinstance(found, torch.Tensor) and found.requires_grad:
            raise Mistake(
                "Your number still holds a graph for backward(): memory that grows with the test "
                "set. Compute under torch.inference_mode()."
            )
        try:
            value = float(found)
        except (TypeError, ValueError):
            raise Mistake(f"You return {type(found).__name__}; expected one number.") from None
        if abs(value - in_train_mode) < 1e-5 and abs(value - right) > 1e-5:
            raise Mistake(
                "Measured in training mode: batch normalisation then uses the batch's own "
                "statistics, so an image's error depends on its neighbours. model.eval() first."
            )
        if moved:
            raise Mistake(
                "Your measurement changes the network: in training mode batch normalisation "
                "updates its running mean with *test* images. model.eval() before the first batch."
            )
        if abs(value - right * 70) < 1e-3 * right * 70:
            raise Mistake("That is the sum over images; the test error is their mean.")
        if abs(value - right * 784) < 1e-3 * right * 784:
            raise Mistake("That is 784 times too large: the sum over pixels instead of the mean.")
        if abs(value - right) > 1e-5:
            raise Mistake(
                f"You get {value:.5f}, expected {right:.5f}. If you cut the images into batches, "
                "weight each batch's mean by its size. Did you divide the bytes by 255?"
            )
    return "Right: in evaluation mode, without a graph, and the network is as it was before."


@check
def diagnose(answer, patients: dict[str, Instruments]) -> str:
    """``answer``: one of ``DIAGNOSES`` for each patient in ``patients``."""
    if not isinstance(answer, dict) or set(answer) != set(patients):
        raise Mistake(f"Expected a dict with the keys {', '.join(patients)}.")
    for name in patients:
        if given(answer[name]) not in DIAGNOSES:
            raise Mistake(f"{name}: {answer[name]!r} is none of {', '.join(DIAGNOSES)}.")
    for name, read in patients.items():
        said, size = answer[name], len(read.latent_spread)
        if read.constant_numbers == size:
            truth = "collapsed"
            why = f"all {size} latent numbers are constant, so every image gets the same answer"
        elif read.error > read.mean_image_error:
            truth = "untrained"
            why = (
                f"its latent numbers do vary, but the error {read.error:.3f} is above the mean "
                f"image's {read.mean_image_error:.3f}: nothing has been learned yet"
            )
        else:
            truth = "healthy"
            why = (
                f"the error {read.error:.3f} is below the mean image's, and {size} − "
                f"{read.constant_numbers} latent numbers vary"
            )
        if said != truth:
            hint = " Dead ReLUs alone prove nothing: look at instruments 1 and 2."
            raise Mistake(f"{name} is not {said}: {why}.{hint if truth == 'healthy' else ''}")
    return "Right, all of them. The error alone would not have told the last two apart."

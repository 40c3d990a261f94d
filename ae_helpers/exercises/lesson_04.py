"""Checks for lesson 04: train it."""

import copy
import math
import textwrap
from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional as F

from ae_helpers.data import to_float
from ae_helpers.exercises.answers import Mistake, call, check, given
from ae_helpers.measures import image_errors
from ae_helpers.measures.diagnostics import Instruments
from ae_helpers.models import Autoencoder

DIAGNOSES = ("healthy", "untrained", "collapsed")


class _Witness(nn.Module):
    """A tiny autoencoder that remembers in which mode it was trained."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.squeeze, self.unsqueeze = nn.Linear(784, 4), nn.Linear(4, 784)
        self.modes = set()

    def forward(self, images):
        if images.ndim != 4:
            raise ValueError(
                f"the network gets shape {tuple(images.shape)}, not (N, 1, 28, 28). The elements "
                "of batches are indices; the images are images[index]"
            )
        if torch.is_grad_enabled():
            self.modes.add(self.training)
        return self.unsqueeze(self.squeeze(images.flatten(1))).view_as(images)


def _images(count: int) -> torch.Tensor:
    """Bytes that differ from image to image, so that every kind of average differs, too."""
    brightness = torch.linspace(40, 250, count).view(-1, 1, 1, 1)
    noise = torch.rand(count, 1, 28, 28, generator=torch.Generator().manual_seed(2))
    return (brightness * noise).to(torch.uint8)


def _number(found) -> float:
    """The answer as a number; text that looks like one is none."""
    try:
        value = float("nothing" if isinstance(found, str) else found)
    except (TypeError, ValueError, RuntimeError):
        raise Mistake(f"You return {type(found).__name__}; expected one number.") from None
    if math.isnan(value):
        raise Mistake("You return NaN, which is not a number. Was something divided by 0?")
    return value


def _compare(value: float, right: float, tolerance: float, wrong: dict[str, float]) -> None:
    """Refuse a number that isn't right; if it is one of ``wrong``, by that name."""
    if abs(value - right) <= tolerance:
        return
    for mistake, other in wrong.items():
        if abs(value - other) <= 1e-4 * abs(other):
            raise Mistake(mistake)
    if any(abs(value - round(right, digits)) < 1e-6 for digits in range(1, 7)):
        raise Mistake("Your number is right but rounded: return it as it is, and round in a print.")


def _epoch(model, optimizer, images, batches, zero_grad=True, scale=(True, True), loss_of=None):
    """The right loop, or one with a typical mistake; returns the loss of each batch.

    ``scale``: whether the input, and the target, run from 0 to 1.
    """
    losses = []
    for index in batches:
        batch, target = (to_float(images[index]) if s else images[index].float() for s in scale)
        loss = (loss_of or F.mse_loss)(model(batch), target)
        if zero_grad:
            optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


_LOOP_MISTAKES = {
    "You cut the images in order yourself. `batches` says which belong together: images[index].": {
        "in_order": True
    },
    "zero_grad() is missing from the loop: backward() *adds* to the gradients that are there, so "
    "each step also repeats all earlier ones.": {"zero_grad": False},
    "The loss sums over pixels and images; the recipe's MSE is a mean.": {
        "loss_of": lambda output, batch: F.mse_loss(output, batch, reduction="sum")
    },
    "backward() starts from the loss times the batch's size; use the weight only in the sum that "
    "you return.": {"loss_of": lambda output, batch: F.mse_loss(output, batch) * len(batch)},
    "The batch still runs from 0 to 255: data.to_float is missing.": {"scale": (False, False)},
    "The target still runs from 0 to 255: compare with the same batch that you pass forward.": {
        "scale": (True, False)
    },
    "The input still runs from 0 to 255: pass forward the same batch that you compare with.": {
        "scale": (False, True)
    },
    "The loss is the mean of |x − x̂|; the recipe's MSE squares.": {"loss_of": F.l1_loss},
    "Only the first batch was trained on: is `return` inside the loop?": {"part": slice(1)},
    "Only the last batch was trained on: are backward and step inside the loop?": {
        "part": slice(-1, None)
    },
    "The last batch was left out: it is shorter, but belongs to the epoch.": {"part": slice(-1)},
}
_CURES = {
    "inplace operation": "optimizer.step() comes before loss.backward(), and changes the weights "
    "that backward() still needs. First backward(), then step().",
    "does not require grad": "backward() finds no graph: the forward pass must not stand under "
    "no_grad or inference_mode, and the loss must not be detached.",
    "no attribute 'backward'": "backward() needs the loss itself: call .item() only to add it up.",
    "same dtype": "The network takes floats: data.to_float(images[index]).",
    "should be the same": "The network takes floats: data.to_float(images).",
    "second time": "An older loss is part of what you call backward() on, as after total += loss: "
    "call it on this batch's loss, and add up loss.item().",
    "only for scalar outputs": "backward() needs one number: take the mean of the losses first.",
    "converted to Scalar": "There is more than one number left: take their mean first.",
}


def _attempt(answer):
    """The answer as a function that adds a cure to the errors that PyTorch words badly."""

    def attempt(*args):
        try:
            return call(answer, *args)
        except Mistake as mistake:
            for words, cure in _CURES.items():
                if words in str(mistake):
                    error = textwrap.shorten(str(mistake), 130, placeholder=" …")
                    raise Mistake(f"{error.rstrip('.')}. {cure}") from None
            raise

    return attempt


@check
def train_epoch(answer) -> str:
    """``answer(model, optimizer, images, batches)`` trains one epoch and returns its mean loss."""
    with torch.random.fork_rng(devices=[]):
        # Shuffled: who cuts the images in order, and doesn't look at `batches`, ends elsewhere.
        images, order = _images(70), torch.randperm(70, generator=torch.Generator().manual_seed(3))
        batches = order.split(32)

        def outcome(loop, part=batches, **mistake):
            """The trained weights, and what the loop returned."""
            model = _Witness().eval()
            optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
            found = loop(model, optimizer, images.clone(), part, **mistake)
            weights = nn.utils.parameters_to_vector(model.parameters()).detach().cpu()
            return weights, found, model.modes

        weights, found, modes = outcome(_attempt(answer))
        right, losses, _ = outcome(_epoch)
        untouched = nn.utils.parameters_to_vector(_Witness().parameters()).detach()
        if isinstance(found, Iterator):
            raise Mistake(
                "You return a generator, so none of your lines has run yet: return, don't yield."
            )
        if torch.equal(weights, untouched):
            raise Mistake(
                "The weights never move. loss.backward() computes gradients and optimizer.step() "
                "uses them: is one missing, or without its (), or does zero_grad() stand between "
                "the two?"
            )
        if not torch.allclose(weights, right, rtol=1e-4, atol=1e-6):
            for mistake, changes in _LOOP_MISTAKES.items():
                changes = dict(changes)
                part = batches[changes.pop("part", slice(None))]
                if changes.pop("in_order", False):
                    part = torch.arange(70).split(32)
                other = outcome(_epoch, part, **changes)[0]
                if torch.allclose(weights, other, rtol=1e-3, atol=1e-5):
                    raise Mistake(mistake)
            raise Mistake(
                "The weights move, but not as they should. For each batch, in this order: forward, "
                "F.mse_loss against the batch itself, zero_grad, backward, step; all with the "
                "optimizer that is given."
            )
        if modes == {False}:
            raise Mistake("The network was in evaluation mode: model.train() is missing.")
        if modes != {True}:
            raise Mistake("Some batches found the network in evaluation mode: model.train() first.")
        if isinstance(found, torch.Tensor) and found.requires_grad:
            raise Mistake(
                "You return a tensor that still holds a graph for backward(), and its memory. Add "
                "up loss.item() instead."
            )
        sizes = torch.tensor([len(batch) for batch in batches])
        mean = (torch.tensor(losses) * sizes).sum().item() / len(images)
        value, last, total = _number(found), losses[-1], sum(losses)
        wrong = {
            "That is the last batch's loss only; average over the whole epoch.": last,
            "Only the last batch is in your sum: add each with += instead of =.": last * 6 / 70,
            "That is the sum of the losses; divide to get the mean.": total,
            "Each loss is weighted by its batch's size; now divide by len(images).": mean * 70,
            "Almost: you count the last batch of 6 images as much as one of 32. Weight each loss "
            "by len(index), and divide by len(images).": total / 3,
            "You weight every loss by 32, but the last batch has 6 images: weight by len(index).": (
                total * 32 / 70
            ),
            "You divide the sum of batch means by the number of images; multiply each loss by its "
            "batch's size first.": total / 70,
            **{
                f"You divide by {size}; divide by the 70 images: len(images).": mean * 70 / size
                for size in (3, 6, 32, 96)
            },
            "That is the square root of the mean loss; the MSE is not rooted.": mean**0.5,
        }
        _compare(value, mean, 1e-4 * mean, wrong)
        if abs(value - mean) > 1e-4 * mean:
            raise Mistake(
                f"The training is right, but you return {value:.5g}; expected {mean:.5g}, the sum "
                "of loss.item() * len(index), divided by len(images)."
            )
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
        with torch.inference_mode():
            batch, output = to_float(images), copy.deepcopy(model).eval()(to_float(images))
        graphs = []
        model.encoder.register_forward_hook(lambda *called: graphs.append(called[2].requires_grad))
        with torch.enable_grad():  # puts the mode back, whatever the answer does to it
            found = _attempt(answer)(model, images.clone())
            switched_off = not torch.is_grad_enabled()
        if switched_off:
            raise Mistake(
                "Gradients stay switched off after your function, and no later cell could train. "
                "Use `with torch.inference_mode():`, which ends with its block."
            )
        if not all(parameter.requires_grad for parameter in model.parameters()):
            raise Mistake(
                "Your measurement freezes the network: its weights no longer require a gradient, "
                "so it can't be trained on. Use `with torch.inference_mode():` instead."
            )
        trained = any(
            not torch.equal(parameter.cpu(), state[name])
            for name, parameter in model.named_parameters()
        )
        if trained:
            raise Mistake("Your measurement trains the network: leave out backward and step.")
        moved = any(
            not torch.equal(value.cpu(), state[name]) for name, value in model.state_dict().items()
        )
        no_graph = "Compute under torch.inference_mode()."
        if isinstance(found, torch.Tensor) and found.requires_grad:
            raise Mistake(
                "Your number still holds a graph for backward(): memory that grows with the test "
                f"set. {no_graph}"
            )
        value = _number(found)
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
        errors = image_errors(images, output)
        means = [part.mean().item() for part in errors.split(32)]
        wrong = {
            "That is the sum over images; the test error is their mean.": right * 70,
            "That is 784 times too large: the sum over pixels instead of the mean.": right * 784,
            "That is the sum over all pixels of all images instead of the mean.": right * 784 * 70,
            "You average the means of batches, but the last batch is smaller: weight each batch's "
            "mean by its size.": sum(means) / len(means),
            "You add up the means of batches: weight each by its batch's size, and divide by "
            "len(images).": sum(means),
            "That is the first batch only: is `return` inside the loop?": means[0],
            "That is the last batch only; the mean goes over all images.": means[-1],
            "That is the square root of the MSE; leave the root out.": right**0.5,
            "That is the mean of |x − x̂|; the MSE squares.": (batch - output).abs().mean().item(),
            "The square is missing: too bright and too dark cancel each other.": (
                (output - batch).mean().item()
            ),
            "You divide by len(images), but mse_loss is a mean already.": right / 70,
            "The last, shorter batch is missing from your mean.": (errors[:64].mean().item()),
            "The last, shorter batch is missing from your sum.": errors[:64].sum().item() / 70,
            "That is the mean of roots; the MSE is not rooted.": errors.sqrt().mean().item(),
            "That is the median image's error; take the mean.": errors.median().item(),
            "Your images, at least those that you compare with, still run from 0 to 255: take "
            "data.to_float(images) for both.": (output - images.float()).square().mean().item(),
        }
        _compare(value, right, 1e-5, wrong)
        if abs(value - right) > 1e-5:
            raise Mistake(
                f"You get {value:.5f}, expected {right:.5f}, the mean of (x − x̂)² over all images "
                "and pixels. Are the bytes divided by 255, for the network and for the comparison?"
            )
        if any(graphs):
            raise Mistake(
                "The number is right, but to get it the network also built the graph that only "
                f"backward() needs, and that costs memory. {no_graph}"
            )
    return "Right: in evaluation mode, without a graph, and no weight has changed."


def _word(said) -> str:
    """What was said, in lower case and without spaces around it."""
    return str(said).strip().lower()


@check
def diagnose(answer, patients: dict[str, Instruments]) -> str:
    """``answer``: one of ``DIAGNOSES`` for each patient in ``patients``."""
    if not isinstance(answer, dict) or set(answer) != set(patients):
        raise Mistake(f"Expected a dict with the keys {', '.join(patients)}.")
    answer = {name: _word(given(said)) for name, said in answer.items()}
    for name, said in answer.items():
        if said not in DIAGNOSES:
            raise Mistake(f"{name}: {said!r} is none of {', '.join(DIAGNOSES)}.")
    for name, read in patients.items():
        said, size = answer[name], len(read.latent_spread)
        if read.constant_numbers == size:
            truth = "collapsed"
            why = f"all {size} latent numbers are constant, so every image gets the same answer"
        elif read.latent_spread.median() > 1 > 100 * read.output_spread / read.image_spread:
            truth = "collapsed"
            why = "its latent numbers vary widely, but every image gets the same answer"
        elif read.error > read.mean_image_error:
            truth = "untrained"
            why = (
                f"its latent numbers do vary, but the error {read.error:.3f} is above the mean "
                f"image's {read.mean_image_error:.3f}: nothing has been learned yet"
            )
        else:
            truth = "healthy"
            why = (
                f"the error {read.error:.3f} is below the mean image's, and "
                f"{size - read.constant_numbers} of {size} latent numbers vary"
            )
        if said != truth:
            hint = " Dead ReLUs alone prove nothing: look at instruments 1 and 2."
            raise Mistake(f"{name} is not {said}: {why}.{hint if said == 'collapsed' else ''}")
    return (
        "Right, all of them. An error above the mean image's is not yet a diagnosis: the spreads, "
        "of latent numbers and of reconstructions, tell untrained from collapsed."
    )

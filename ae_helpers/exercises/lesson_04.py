"""Checks for lesson 04: train it."""

import copy
from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ae_helpers.data import to_float
from ae_helpers.exercises.answers import Mistake, call, check, explain, given, number
from ae_helpers.measures import image_errors
from ae_helpers.measures.diagnostics import Instruments

CURES = {
    "inplace operation": "optimizer.step() comes before loss.backward(), and changes the weights "
    "that backward() still needs. First backward(), then step().",
    "does not require grad": "backward() finds no graph: the forward pass must not stand under "
    "no_grad or inference_mode, and the loss must not be detached.",
    "no attribute 'backward'": "backward() needs the loss itself: call .item() only to add it up.",
    "same dtype": "The network takes floats: pass it what data.to_float makes of the bytes.",
    "must match the size": "Does each batch go forward by itself, and is it compared with its own "
    "output? The forward pass belongs into the loop.",
    "more than 1 value per channel": "So the network is in training mode: model.eval() first.",
    "second time": "An older loss is part of what you call backward() on, as after total += loss: "
    "call it on this batch's loss, and add up loss.item().",
    "context manager protocol": "Write it with parentheses: with torch.inference_mode():",
    "only for scalar outputs": "backward() needs one number: take the mean of the losses first.",
    "converted to Scalar": "There is more than one number left: take their mean first.",
}


class _Witness(nn.Module):
    """A tiny autoencoder that remembers in which mode it built graphs for ``backward``."""

    def __init__(self, *norm: nn.Module) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(784, 4), *norm)
        self.decoder = nn.Sequential(nn.Linear(4, 784), nn.Unflatten(1, (1, 28, 28)))
        self.modes = set()
        self.decoder.register_forward_hook(self._note)  # also where readers call it themselves

    def _note(self, decoder: nn.Module, _, output: Tensor) -> None:
        if output.requires_grad:
            self.modes.add(decoder.training)

    def forward(self, images: Tensor) -> Tensor:
        if images.ndim != 4:
            cure = "A single image has lost its batch axis: image[None] gives it back"
            if images.shape[-1] % 784 == 0:
                cure = "Pass images as they are, without flatten"
            elif images.ndim == 1:
                cure = "The elements of batches are indices; the images are images[index]"
            raise ValueError(
                f"the network gets shape {tuple(images.shape)}, not (N, 1, 28, 28). {cure}"
            )
        return self.decoder(self.encoder(images))


def _images(count: int, brightest: float = 250) -> Tensor:
    """Bytes that differ from image to image, so that every kind of average differs, too."""
    brightness = torch.linspace(0.16 * brightest, brightest, count).view(-1, 1, 1, 1)
    noise = torch.rand(count, 1, 28, 28, generator=torch.Generator().manual_seed(2))
    return (brightness * noise).to(torch.uint8)


def _rounded(right: float) -> list[tuple[float, str]]:
    """Rows for ``explain``: the right number with too few digits."""
    text = "Your number is right but rounded: return it as it is, and round in a print."
    return [(round(right, digits), text) for digits in range(1, 7)]


def _misaveraged(means: list[float], sizes: list[int]) -> list[tuple[float, str]]:
    """Rows for ``explain``: typical wrong means over batches of such means and sizes."""
    size, last, count, images = sizes[0], sizes[-1], len(sizes), sum(sizes)
    sums = [mean * each for mean, each in zip(means, sizes, strict=True)]
    wrong = {
        f"That is the last batch only, of {last}; average over all {images} images.": means[-1],
        f"That is the first batch only, of {size}: is `return` inside the loop?": means[0],
        "Only the last batch is in your sum: add each with += instead of =.": sums[-1] / images,
        "The last, shorter batch is missing from your mean.": sum(sums[:-1]) / (images - last),
        "The last, shorter batch is missing from your sum.": sum(sums[:-1]) / images,
        "That is the sum of the batches' means: weight each by its batch's size, and divide by "
        "len(images).": sum(means),
        "That is the sum over images: now divide by len(images).": sum(sums),
        f"Almost: you count the last batch of {last} images as much as one of {size}. Weight each "
        "mean by its batch's size, and divide by len(images).": sum(means) / count,
        f"You weight every batch by {size}, but the last one has {last} images: weight by its own "
        "size.": sum(means) * size / images,
        "You divide the sum of batch means by the number of images; multiply each by its batch's "
        "size first.": sum(means) / images,
        **{
            f"You divide by {other}; divide by the {images} images: len(images).": sum(sums) / other
            for other in (count, last, size, count * size)
        },
        "That is the square root of the MSE; leave the root out.": (sum(sums) / images) ** 0.5,
    }
    return [(value, text) for text, value in wrong.items()]


# -------------------------------------------------------------------------------- the loop by hand


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


WRONG_LOSSES = {
    "The loss sums over pixels and images; the recipe's MSE is a mean.": (
        lambda x, y: F.mse_loss(x, y, reduction="sum")
    ),
    "The loss sums over pixels; the recipe's MSE is their mean, too.": (
        lambda x, y: 784 * F.mse_loss(x, y)
    ),
    "The loss is the root of the MSE: leave the root out.": lambda x, y: F.mse_loss(x, y).sqrt(),
    "The square is missing from the loss: too bright and too dark cancel.": (
        lambda x, y: (x - y).mean()
    ),
    "The loss is the mean of |x − x̂|; the recipe's MSE squares.": F.l1_loss,
    "backward() starts from the loss times the batch's size; use the weight only in the sum that "
    "you return.": lambda x, y: F.mse_loss(x, y) * len(y),
}


@check
def train_epoch(answer) -> str:
    """``answer(model, optimizer, images, batches)`` trains one epoch and returns its mean loss."""
    # Shuffled: who cuts the images in order, and doesn't look at `batches`, ends elsewhere.
    images, order = _images(70), torch.randperm(70, generator=torch.Generator().manual_seed(3))
    batches = order.split(32)

    def outcome(loop, part, **mistake):
        """The trained weights, what the loop returned, and the modes of the network."""
        model = _Witness().eval()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
        found = loop(model, optimizer, images.clone(), part, **mistake)
        weights = nn.utils.parameters_to_vector(model.parameters()).detach().cpu()
        return weights, found, model.modes

    def trained(part=batches, **mistake) -> Tensor:
        return outcome(_epoch, part, **mistake)[0]

    weights, found, modes = outcome(lambda *args: call(answer, *args, cures=CURES), batches)
    right, losses, _ = outcome(_epoch, batches)
    if isinstance(found, Iterator):
        raise Mistake(
            "You return a generator, so none of your lines has run yet: return, don't yield."
        )
    mistakes = {
        "The weights never move. loss.backward() computes gradients and optimizer.step() uses "
        "them: is one missing, or without its (), or does zero_grad() stand between the two?": {
            "part": []
        },
        "You cut the images in order yourself. `batches` says which belong together: "
        "images[index].": {"part": torch.arange(70).split(32)},
        "You step once, with all images: forward, backward and step belong to each batch.": {
            "part": [order]
        },
        "You step once, with the sum of all gradients: zero_grad and step belong to each batch.": {
            "part": [order],
            "loss_of": lambda x, y: sum(map(F.mse_loss, x.split(32), y.split(32))),
        },
        "You step after every single image: pass the whole batch forward, images[index].": {
            "part": order.split(1)
        },
        "Each batch takes all images: pass forward images[index].": {"part": [order] * 3},
        "zero_grad() is missing from the loop, or without its (): backward() *adds* to the "
        "gradients that are there, so each step also repeats all earlier ones.": {
            "zero_grad": False
        },
        "The batch still runs from 0 to 255: data.to_float is missing.": {"scale": (False, False)},
        "The target still runs from 0 to 255: compare with the same batch that you pass forward.": {
            "scale": (True, False)
        },
        "The input still runs from 0 to 255: pass forward the same batch that you compare with.": {
            "scale": (False, True)
        },
        **{text: {"loss_of": loss} for text, loss in WRONG_LOSSES.items()},
        "Only the first batch was trained on: is `return` inside the loop?": {"part": batches[:1]},
        "Only the last batch was trained on: are backward and step inside the loop?": {
            "part": batches[-1:]
        },
        "The last batch was left out: it is shorter, but belongs to the epoch.": {
            "part": batches[:-1]
        },
    }
    rules = {text: partial(trained, **how) for text, how in mistakes.items()}
    otherwise = (
        "The weights move, but not as they should. For each batch, in this order: forward, "
        "F.mse_loss against the batch itself, zero_grad, backward, step; all with the optimizer "
        "that is given."
    )
    explain(weights, right, rules, otherwise=otherwise, atol=1e-6)
    if modes == {False}:
        raise Mistake("The network was in evaluation mode: model.train() is missing.")
    if modes != {True}:
        raise Mistake("Some batches found the network in evaluation mode: model.train() first.")
    if isinstance(found, Tensor) and found.requires_grad:
        raise Mistake(
            "You return a tensor that still holds a graph for backward(), and its memory. Add up "
            "loss.item() instead."
        )
    value, sizes = number(found), [len(batch) for batch in batches]
    mean = sum(loss * size for loss, size in zip(losses, sizes, strict=True)) / 70
    rows = _misaveraged(losses, sizes) + _rounded(mean)
    otherwise = (
        "The training is right, but you return {found}; expected {right}, the sum of loss.item() * "
        "len(index), divided by len(images)."
    )
    explain(value, mean, rows, otherwise=otherwise, rtol=2e-5)
    return "Right: the weights move as they should, and the mean counts every image once."


# --------------------------------------------------------------------------------- the test error


@check
def evaluate(answer) -> str:
    """``answer(model, images)``: the mean over images of the MSE, in evaluation mode."""
    # Dark images, and answers as dark: who rounds either to whole bytes gets another error.
    model, images = _Witness(nn.BatchNorm1d(4)), _images(70, brightest=8)
    batch = to_float(images)

    def rebuilt(batch: Tensor, mode: bool = False) -> Tensor:
        with torch.inference_mode():
            return copy.deepcopy(model).train(mode)(batch)

    with torch.no_grad():
        for weight in model.decoder.parameters():
            weight *= 0.03
        for _ in range(3):
            model(batch)  # so that the running statistics aren't those of a newborn
    output, in_training_mode = rebuilt(batch), rebuilt(batch, mode=True)
    errors, of_bytes = image_errors(images, output), rebuilt(images.float())
    right = errors.mean().item()
    state = copy.deepcopy(model.state_dict())
    found = call(answer, model, images.clone(), cures=CURES)
    if not torch.is_grad_enabled():
        raise Mistake(
            "Gradients stay switched off after your function, and no later cell could train. Use "
            "`with torch.inference_mode():`, which ends with its block."
        )
    if not all(parameter.requires_grad for parameter in model.parameters()):
        raise Mistake(
            "Your measurement freezes the network: its weights no longer require a gradient, so it "
            "can't be trained on. Use `with torch.inference_mode():` instead."
        )
    moved = [n for n, value in model.state_dict().items() if not torch.equal(value.cpu(), state[n])]
    if any(name in moved for name, _ in model.named_parameters()):
        raise Mistake("Your measurement trains the network: leave out backward and step.")
    no_graph = "Compute under torch.inference_mode()."
    if isinstance(found, Tensor) and found.requires_grad:
        raise Mistake(
            "Your number still holds a graph for backward(): memory that grows with the test set. "
            f"{no_graph}"
        )
    near = {"rtol": 1e-5, "atol": 0}  # the errors themselves are small
    value = number(found, shapes={(70,): "That is an error for each image: take their mean."})
    mistakes = {
        "Measured in training mode: batch normalisation then uses the batch's own statistics, so "
        "an image's error depends on its neighbours. model.eval() first.": (
            image_errors(images, in_training_mode).mean()
        )
    }
    explain(value, right, mistakes, otherwise=None, **near)
    if moved:
        raise Mistake(
            "Your measurement changes the network: in training mode batch normalisation updates "
            "its running mean with *test* images. model.eval() before the first batch."
        )

    mistakes = {
        "That is 784 times too large: the sum over pixels instead of the mean.": right * 784,
        "That is the sum over all pixels of all images instead of the mean.": right * 784 * 70,
        "You square each image's mean difference; square each pixel's.": (
            (output - batch).flatten(1).mean(1).square().mean()
        ),
        "You compare on the scale of bytes; take the scale from 0 to 1.": right * 255**2,
        "That is the worst image's error; take the mean.": errors.max(),
        "Your error is 0: is something compared with itself?": 0.0,
        "That is the mean of |x − x̂|; the MSE squares.": (batch - output).abs().mean(),
        "The square is missing: too bright and too dark cancel each other.": (
            (output - batch).mean()
        ),
        "You divide by len(images), but mse_loss is a mean already.": right / 70,
        "That is the mean of roots; the MSE is not rooted.": errors.sqrt().mean(),
        "That is the median image's error; take the mean.": errors.median(),
        "Your images still run from 0 to 255: take data.to_float(images).": (
            (of_bytes - images.float()).square().mean()
        ),
        "The images that you compare with still run from 0 to 255: data.to_float, too.": (
            (output - images.float()).square().mean()
        ),
        "The images that the network gets still run from 0 to 255: data.to_float, too.": (
            image_errors(images, of_bytes).mean()
        ),
        "You compare every image with the reconstruction of the first: leave out the [0].": (
            image_errors(images, output[:1]).mean()
        ),
        "You clip the reconstructions to [0, 1]; compare them as the network gives them.": (
            image_errors(images, output.clamp(0, 1)).mean()
        ),
        "You round the reconstructions, to bytes; compare them as the network gives them.": (
            image_errors(images, (255 * output).round() / 255).mean()
        ),
        "That is half of it. smooth_l1_loss and huber_loss halve a small square; leave it whole.": (
            right / 2
        ),
        "The network is asked twice, the second time for its own answer: once is enough.": (
            image_errors(images, rebuilt(output)).mean()
        ),
    }
    explain(value, right, mistakes, otherwise=None, **near)
    rows = _rounded(right)
    for size in range(8, 70):  # of the batches: readers take what they like
        parts = errors.split(size)
        rows += _misaveraged([part.mean().item() for part in parts], list(map(len, parts)))
    otherwise = (
        "You get {found}, expected {right}, the mean over all images and pixels of (x − x̂)², with "
        "each image's own x̂ = model(x)."
    )
    explain(value, right, rows, otherwise=otherwise, **near)
    if model.modes:
        raise Mistake(
            "The number is right, but to get it the network also built the graph that only "
            f"backward() needs, and that costs memory. {no_graph}"
        )
    return "Right: in evaluation mode, without a graph, and no weight has changed."


# ----------------------------------------------------------------------------------- the diagnosis

DIAGNOSES = ("healthy", "untrained", "collapsed")


def _truth(read: Instruments) -> tuple[str, str]:
    """What a network suffers from, and why one may say so."""
    size = len(read.latent_spread)
    if read.constant_numbers == size:
        why = f"all {size} latent numbers are constant, so every image gets the same answer"
        return "collapsed", why
    if read.latent_spread.median() > 1 > 100 * read.output_spread / read.image_spread:
        return "collapsed", "its latent numbers vary widely, but every image gets the same answer"
    if read.error > read.mean_image_error:
        return "untrained", (
            f"its latent numbers do vary, but the error {read.error:.3f} is above the mean image's "
            f"{read.mean_image_error:.3f}: nothing has been learned yet"
        )
    return "healthy", (
        f"the error {read.error:.3f} is below the mean image's, and "
        f"{size - read.constant_numbers} of {size} latent numbers vary"
    )


@check
def diagnose(answer, patients: dict[str, Instruments]) -> str:
    """``answer``: one of ``DIAGNOSES`` for each patient in ``patients``."""
    if not isinstance(answer, dict) or set(answer) != set(patients):
        raise Mistake(f"Expected a dict with the keys {', '.join(patients)}.")
    answer = {name: str(given(said)).strip().lower() for name, said in answer.items()}
    for name, said in answer.items():
        if said not in DIAGNOSES:
            raise Mistake(f"{name}: {said!r} is none of {', '.join(DIAGNOSES)}.")
    for name, read in patients.items():
        truth, why = _truth(read)
        if answer[name] != truth:
            hint = " Dead ReLUs alone prove nothing: look at instruments 1 and 2."
            hint *= answer[name] == "collapsed"
            raise Mistake(f"{name} is not {answer[name]}: {why}.{hint}")
    return (
        "Right, all of them. An error above the mean image's is not yet a diagnosis: the spreads, "
        "of latent numbers and of reconstructions, tell untrained from collapsed."
    )

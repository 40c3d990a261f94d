"""Lesson 04's checks against a zoo: right answers pass, each wrong one hears what is wrong."""

from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ae_helpers import measures
from ae_helpers.data import to_float
from ae_helpers.exercises import lesson_04 as check
from ae_helpers.measures.diagnostics import Instruments
from exercise_zoo import Several, ask, zoo_tests

# -------------------------------------------------------------------------------- the loop by hand


def loop(
    prepare=to_float,
    loss_of=F.mse_loss,
    train=True,
    order="forward loss zero_grad backward step",
    result="mean",
    batches_of=lambda batches: batches,
    target_of=lambda images, batch: batch,
):
    """A loop as readers write it: the order of its lines, and what it adds up, may vary."""

    def train_epoch(model, optimizer, images, batches):
        if train is not None:
            model.train(train)
        total = count = 0
        losses = []
        for index in batches_of(batches):
            batch = prepare(images[index])
            for line in order.split():
                if line == "forward":
                    output = model(batch)
                elif line == "loss":
                    loss = loss_of(output, target_of(images[index], batch))
                elif line in ("zero_grad", "step"):
                    getattr(optimizer, line)()
                elif line == "backward":
                    loss.backward()
            losses.append(loss.item())
            total += losses[-1] * len(index)
            count += len(index)
        return {
            "mean": total / count,
            "tensor": torch.tensor(total / count),
            "last": losses[-1],
            "sum": sum(losses),
            "mean of means": sum(losses) / len(losses),
            "sum over images": sum(losses) / len(images),
            "list": losses,
            "total": total,
            "over batches": total / len(losses),
            "each by 32": sum(losses) * 32 / count,
            "overwritten": losses[-1] * len(index) / count,
            "root": (total / count) ** 0.5,
            "rounded": round(total / count, 4),
            "half": total / count / 2,
            "graph": loss * total / count / loss.item(),
        }[result]

    return train_epoch


def without_an_optimizer(model, optimizer, images, batches):
    model.train()
    total = 0
    for index in batches:
        batch = to_float(images[index])
        loss = (model(batch) - batch).pow(2).mean()
        model.zero_grad()
        loss.backward()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter -= optimizer.param_groups[0]["lr"] * parameter.grad
        total += loss.item() * len(batch)
    return total / len(images)


def by_halves(model, optimizer, images, batches):
    """Encoder and decoder are called by themselves."""
    model.train()
    total = 0
    for index in batches:
        batch = to_float(images[index])
        loss = F.mse_loss(model.decoder(model.encoder(batch)), batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(index)
    return total / len(images)


def trains_late(model, optimizer, images, batches):
    found = 0
    for index in batches:
        found += loop(train=None)(model, optimizer, images, [index]) * len(index) / len(images)
        model.train()
    return found


def steps_once(model, optimizer, images, batches):
    """Gradients add up over the batches; the step stands after the loop."""
    model.train()
    optimizer.zero_grad()
    for index in batches:
        batch = to_float(images[index])
        loss = F.mse_loss(model(batch), batch)
        loss.backward()
    optimizer.step()
    return loss.item()


def adds_up_graphs(model, optimizer, images, batches):
    model.train()
    total = 0
    for index in batches:
        batch = to_float(images[index])
        total = total + F.mse_loss(model(batch), batch)
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
    return total.item() / len(batches)


def yields(model, optimizer, images, batches):
    for index in batches:
        yield loop()(model, optimizer, images, [index])


def other_optimizer(model, optimizer, images, batches):
    return loop()(model, torch.optim.Adam(model.parameters()), images, batches)


# --------------------------------------------------------------------------------- the test error


def error_of(output, batch):
    return (output - batch).square().mean()


def evaluation(mode=False, measure=error_of, prepare=to_float, inference=True, size=70):
    """An evaluation as readers write it, in batches, weighted by their sizes or not."""

    def evaluate(model, images):
        if mode is not None:
            model.train(mode)
        total = 0
        with torch.inference_mode(inference):
            for part in images.split(size):
                batch = prepare(part)
                total += measure(model(batch), batch) * len(part)
        return total / len(images)

    return evaluate


def mean_of_means(model, images, size=32):
    model.eval()
    with torch.no_grad():
        parts = [to_float(part) for part in images.split(size)]
        return sum(error_of(model(part), part) for part in parts) / len(parts)


def too_late(model, images):
    with torch.no_grad():
        batch = to_float(images)
        model(batch)
        return error_of(model.eval()(batch), batch)


def one_each(model, images):
    """An error for each image."""
    model.eval()
    with torch.no_grad():
        batch = to_float(images)
        return (model(batch) - batch).square().flatten(1).mean(1)


def once_for_all(model, images, size=35):
    """The forward pass stands before the loop."""
    model.eval()
    with torch.no_grad():
        parts = [to_float(part) for part in images.split(size)]
        output = model(parts[0])
        return sum(error_of(output, part) for part in parts) / len(parts)


def compared(measure):
    """An evaluation at once that is ``measure(output, batch)``."""
    return evaluation(measure=measure)


def changed(change):
    """An evaluation of something else than the answer to each image."""
    return lambda m, x: evaluation(measure=lambda o, b: error_of(change(m, o, b), b))(m, x)


def restored(model, images):
    was_training = model.training
    found = evaluation()(model, images).item()
    model.train(was_training)
    return found


def switches_gradients_off(model, images):
    torch.set_grad_enabled(False)
    return evaluation()(model, images)


def freezes(model, images):
    model.requires_grad_(False)
    return evaluation()(model, images)


def without_parentheses(model, images):
    with torch.inference_mode:
        return evaluation()(model, images)


def trains(model, images):
    batch = to_float(images)
    loss = error_of(model.eval()(batch), batch)
    loss.backward()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter -= 0.1 * parameter.grad
    return loss.item()


# ----------------------------------------------------------------------------------- the diagnosis


def patient(error, spread, output=0.15, dead=0.0):
    return Instruments(error, 0.0675, torch.tensor(spread), output, 0.18, {"encoder.relu1": dead})


PATIENTS = {
    "A": patient(0.006, [1.2] * 60 + [0.0] * 4, dead=0.4),  # healthy, though some is dead
    "B": patient(0.2, [0.03] * 64, output=1e-5),
    "C": patient(0.1025, [0.0] * 64, output=0.0, dead=0.9),
}
DEAD = patient(0.0987, [173.0] * 64, output=1e-8)
TRUTH = {"A": "healthy", "B": "untrained", "C": "collapsed"}


def diagnosed(answer):
    return Several((answer,), (PATIENTS,))


# ------------------------------------------------------------------------------------- all of them

RIGHT = {
    check.train_epoch: {
        "as in the lesson": loop(),
        "zero_grad first": loop(order="zero_grad forward loss backward step"),
        "zero_grad last": loop(order="forward loss backward step zero_grad"),
        "a tensor as the answer": loop(result="tensor"),
        "scaled by hand": loop(prepare=lambda x: x.float() / 255),
        "by hand altogether": without_an_optimizer,
        "by halves": by_halves,
        "bytes picked by NumPy": loop(prepare=lambda x: torch.from_numpy(x.numpy() / 255).float()),
        "all images scaled at once": lambda m, o, images, b: loop()(m, o, images / 255, b),
        "NumPy": lambda *args: np.float32(loop()(*args)),
        "evaluation mode after the last step": lambda m, *rest: (loop()(m, *rest), m.eval())[0],
    },
    check.evaluate: {
        "at once": evaluation(),
        "in weighted batches": evaluation(size=32),
        "image by image": evaluation(size=1),
        "with the mode restored": restored,
        "training mode again": lambda m, x: (evaluation()(m, x), m.train())[0],
        "numpy": lambda m, x: evaluation()(m, x).numpy(),
        "float64": compared(lambda o, b: error_of(o.double(), b.double()).item()),
        "a sum, divided": compared(lambda o, b: F.mse_loss(o, b, reduction="sum") / b.numel()),
        "decorated": torch.no_grad()(lambda m, x: error_of(m.eval()(x / 255), x / 255)),
        "the library's": measures.evaluate,
        "by halves": lambda m, x: evaluation(
            measure=lambda o, b: error_of(m.decoder(m.encoder(b)), b)
        )(m, x),
        "einsum": compared(lambda o, b: torch.einsum("nchw,nchw->n", o - b, o - b).mean() / 784),
    },
    check.diagnose: {
        "in order": diagnosed(TRUTH),
        "in another order": diagnosed(dict(reversed(TRUTH.items()))),
        "in capitals": diagnosed({name: said.title() for name, said in TRUTH.items()}),
        "of others": Several(
            ({"x": "collapsed", "y": "healthy"},), ({"x": PATIENTS["C"], "y": PATIENTS["A"]},)
        ),
        "of a dead decoder": Several(({"x": "collapsed"},), ({"x": DEAD},)),
    },
}
WRONG = {
    check.train_epoch: {
        "no zero_grad": (loop(order="forward loss backward step"), "zero_grad() is missing"),
        "no backward": (loop(order="forward loss zero_grad step"), "never move"),
        "step first": (loop(order="forward loss step zero_grad backward"), "step() comes before"),
        "summed loss": (loop(loss_of=partial(F.mse_loss, reduction="sum")), "sums over pixels"),
        "absolute error": (loop(loss_of=F.l1_loss), "the recipe's MSE squares"),
        "loss times size": (loop(loss_of=lambda x, y: F.mse_loss(x, y) * len(y)), "loss times the"),
        "target 0 to 255": (
            loop(target_of=lambda images, batch: images.float()),
            "The target still runs from 0 to 255",
        ),
        "input 0 to 255": (
            loop(prepare=Tensor.float, target_of=lambda images, batch: batch / 255),
            "The input still runs from 0 to 255",
        ),
        "another optimizer": (other_optimizer, "optimizer that is given"),
        "cuts the images": (
            lambda m, o, images, _: loop()(m, o, images, torch.arange(len(images)).split(32)),
            "cut the images in order yourself",
        ),
        "no gradients": (torch.no_grad()(loop()), "must not stand under no_grad"),
        "item too early": (
            loop(loss_of=lambda *pair: F.mse_loss(*pair).item()),
            "needs the loss itself",
        ),
        "indices as images": (
            lambda m, o, x, batches: loop(prepare=lambda i: i)(m, o, torch.arange(len(x)), batches),
            "The elements of batches are indices",
        ),
        "steps after the loop": (
            loop(batches_of=lambda b: b[-1:]),
            "Only the last batch was trained on",
        ),
        "yields": (yields, "a generator"),
        "sums over pixels": (
            loop(loss_of=lambda x, y: 784 * F.mse_loss(x, y)),
            "sums over pixels;",
        ),
        "root of the loss": (loop(loss_of=lambda x, y: F.mse_loss(x, y) ** 0.5), "leave the root"),
        "no square": (loop(loss_of=lambda x, y: (x - y).mean()), "missing from the loss"),
        "steps once": (steps_once, "the sum of all gradients"),
        "all at once": (loop(batches_of=lambda b: [torch.cat(b)]), "step once, with all images"),
        "one by one": (loop(batches_of=lambda b: torch.cat(b).split(1)), "every single image"),
        "all images each time": (
            lambda m, o, x, b: loop(batches_of=lambda b: [torch.arange(len(x))] * 3)(m, o, x, b),
            "Each batch takes all images",
        ),
        "image without its axis": (loop(batches_of=torch.cat), "lost its batch axis"),
        "flattened": (loop(prepare=lambda x: to_float(x).flatten(1)), "without flatten"),
        "adds up graphs": (adds_up_graphs, "add up loss.item()"),
        "0 to 255": (loop(prepare=Tensor.float), "from 0 to 255"),
        "bytes": (loop(prepare=lambda x: x), "RuntimeError"),
        "return in the loop": (loop(batches_of=lambda b: b[:1]), "Only the first batch"),
        "evaluation mode": (loop(train=False), "model.train() is missing"),
        "training mode too late": (trains_late, "Some batches found"),
        "test error": (
            lambda m, o, x, batches: [loop()(m, o, x, batches), measures.evaluate(m, x)][1],
            "The training is right, but",
        ),
        "over batches": (loop(result="over batches"), "You divide by 3"),
        "each by 32": (loop(result="each by 32"), "weight every batch by 32"),
        "overwritten": (loop(result="overwritten"), "+= instead of ="),
        "root": (loop(result="root"), "leave the root out"),
        "rounded": (loop(result="rounded"), "right but rounded"),
        "half": (loop(result="half"), "The training is right, but"),
        "last loss": (loop(result="last"), "last batch only"),
        "first loss": (lambda *args: loop(result="list")(*args)[0], "first batch only, of 32"),
        "sum of losses": (loop(result="sum"), "sum of the batches' means"),
        "mean of means": (loop(result="mean of means"), "last batch of 6"),
        "sum over images": (loop(result="sum over images"), "number of images"),
        "not divided": (loop(result="total"), "now divide by len(images)"),
        "list": (loop(result="list"), "a list of length 3; expected one number"),
        "graph": (loop(result="graph"), "holds a graph"),
        "one batch less": (loop(batches_of=lambda b: b[:-1]), "last batch was left out"),
    },
    check.evaluate: {
        "mode as it was": (evaluation(mode=None), "Measured in training mode"),
        "training mode, in batches": (evaluation(mode=True, size=35), "changes the network"),
        "graph": (evaluation(inference=False), "holds a graph"),
        "sum over images": (lambda m, x: one_each(m, x).sum(), "the sum over images:"),
        "sum over pixels": (lambda m, x: 784 * evaluation()(m, x), "784 times too large"),
        "mean of means": (mean_of_means, "one of 32. Weight each"),
        "graph thrown away": (lambda m, x: evaluation(inference=False)(m, x).item(), "also built"),
        "0 to 255": (evaluation(prepare=Tensor.float), "Your images still run"),
        "compares with bytes": (
            lambda m, x: evaluation(measure=lambda o, b: (o - x.float()).square().mean())(m, x),
            "that you compare with still run from 0 to 255",
        ),
        "sum over all": (evaluation(measure=lambda o, b: (o - b).square().sum()), "of all images"),
        "root": (lambda m, x: evaluation()(m, x) ** 0.5, "leave the root out"),
        "absolute": (evaluation(measure=lambda o, b: (o - b).abs().mean()), "the MSE squares"),
        "signed": (evaluation(measure=lambda o, b: (o - b).mean()), "square is missing"),
        "input 0 to 255": (
            evaluation(prepare=Tensor.float, measure=lambda o, b: error_of(o, b / 255)),
            "The images that the network gets still run",
        ),
        "first batch": (lambda m, x: evaluation()(m, x[:32]), "first batch only"),
        "last batch": (lambda m, x: evaluation()(m, x[64:]), "last batch only"),
        "sum of means": (lambda m, x: 3 * mean_of_means(m, x), "sum of the batches' means"),
        "rounded": (lambda m, x: round(evaluation()(m, x).item(), 4), "right but rounded"),
        "gradients off for good": (switches_gradients_off, "Gradients stay switched off"),
        "frozen": (freezes, "freezes the network"),
        "with without ()": (without_parentheses, "Write it with parentheses"),
        "smooth": (compared(F.smooth_l1_loss), "smooth_l1_loss and huber_loss halve"),
        "variance": (compared(lambda o, b: (o - b).var()), "each image's own x̂"),
        "clamped": (changed(lambda m, o, b: o.clamp(0, 1)), "You clip the reconstructions"),
        "rounded to bytes": (
            changed(lambda m, o, b: (255 * o).round() / 255),
            "You round the reconstructions",
        ),
        "trains": (trains, "trains the network"),
        "divided twice": (lambda m, x: evaluation()(m, x) / len(x), "is a mean already"),
        "last batch dropped": (lambda m, x: evaluation()(m, x[:64]), "missing from your mean"),
        "last batch dropped from the sum": (
            lambda m, x: evaluation()(m, x[:64]) * 64 / len(x),
            "missing from your sum",
        ),
        "mean of roots": (lambda m, x: one_each(m, x).sqrt().mean(), "mean of roots"),
        "median": (lambda m, x: one_each(m, x).median(), "median image"),
        "item of many": (lambda m, x: one_each(m, x).item(), "take their mean first"),
        "bytes": (evaluation(prepare=lambda x: x), "RuntimeError"),
        "one for each image": (one_each, "an error for each image"),
        "forward once": (once_for_all, "each image's own x̂"),
        "of the first": (changed(lambda m, o, b: o[0]), "the reconstruction of the first"),
        "squares of means": (
            compared(lambda o, b: (o - b).flatten(1).mean(1).square().mean()),
            "each image's mean difference",
        ),
        "with itself": (changed(lambda m, o, b: b), "compared with itself"),
        "worst": (lambda m, x: one_each(m, x).max(), "worst image"),
        "on the scale of bytes": (
            compared(lambda o, b: error_of(255 * o, 255 * b)),
            "the scale of bytes",
        ),
        "over batches": (lambda m, x: evaluation()(m, x) * 70 / 3, "divide by 3;"),
        "each by 32": (lambda m, x: mean_of_means(m, x) * 96 / 70, "every batch by 32"),
        "means over images": (lambda m, x: mean_of_means(m, x) * 3 / 70, "the sum of batch means"),
        "overwritten": (lambda m, x: evaluation()(m, x[64:]) * 6 / 70, "+= instead of ="),
        "image by image, training": (evaluation(mode=True, size=1), "is in training mode"),
        "image without its axis": (lambda m, x: evaluation()(m, x[0]), "image[None]"),
        "forward before the loop": (lambda m, x: once_for_all(m, x, 32), "belongs into the loop"),
        "twice": (changed(lambda m, o, b: m(o)), "asked twice"),
    },
    check.diagnose: {
        "dead ReLUs taken for death": (diagnosed(TRUTH | {"A": "collapsed"}), "A is not collapsed"),
        "A untrained": (diagnosed(TRUTH | {"A": "untrained"}), "A is not untrained: the error"),
        "B collapsed": (diagnosed(TRUTH | {"B": "collapsed"}), "B is not collapsed: its latent"),
        "C untrained": (diagnosed(TRUTH | {"C": "untrained"}), "C is not untrained: all 64 latent"),
        "all healthy": (diagnosed(dict.fromkeys("ABC", "healthy")), "B is not healthy: its latent"),
        "no such disease": (diagnosed(TRUTH | {"B": "sick"}), "'sick' is none of healthy"),
        "one forgotten": (diagnosed({"A": "healthy", "B": "untrained"}), "keys A, B, C"),
        "a list for one": (diagnosed(TRUTH | {"C": ["collapsed"]}), "is none of healthy"),
        "a dead decoder untrained": (Several(({"x": "untrained"},), ({"x": DEAD},)), "vary widely"),
        "one unsolved": (diagnosed(TRUTH | {"B": ...}), "Not yet"),
    },
}
# One mistake in several spellings, or one that the check can only describe, not name.
AGAIN = {
    check.train_epoch: {
        "no step": (loop(order="forward loss zero_grad backward"), "never move"),
        "zero_grad between": (loop(order="forward loss backward zero_grad step"), "never move"),
        "step before backward": (loop(order="forward loss zero_grad step backward"), "never move"),
        "mode as it was": (loop(train=None), "model.train() is missing"),
        "half the loss": (loop(loss_of=lambda x, y: F.mse_loss(x, y) / 2), "not as they"),
        "zero_grad once": (
            lambda *args: [args[1].zero_grad(), loop(order="forward loss backward step")(*args)][1],
            "zero_grad() is missing from the loop",
        ),
        "another image as target": (loop(target_of=lambda _, b: b.roll(1, 0)), "not as they"),
        "noise": (loop(prepare=lambda x: torch.rand(x.shape)), "not as they"),
    },
    check.evaluate: {
        "training mode": (evaluation(mode=True), "Measured in training mode"),
        "eval without ()": (
            lambda m, x: [m.eval, evaluation(mode=None)(m, x)][1],
            "Measured in training mode",
        ),
        "eval after the first batch": (too_late, "changes the network"),
        "sum of means of 64": (lambda m, x: 2 * mean_of_means(m, x, 64), "the batches' means"),
        "mean of means of 64": (lambda m, x: mean_of_means(m, x, 64), "one of 64. Weight each"),
        "half": (lambda m, x: evaluation()(m, x) / 2, "That is half of it"),
        "huber": (compared(F.huber_loss), "That is half of it"),
        "rounded to 3 digits": (changed(lambda m, o, b: o.round(decimals=3)), "You get 0.000"),
        "clamped and cut to bytes": (
            changed(lambda m, o, b: (255 * o.clamp(0, 1)).byte() / 255),
            "each image's own x̂",
        ),
        "flipped": (changed(lambda m, o, b: o.flip(3)), "each image's own x̂"),
        "rolled": (changed(lambda m, o, b: o.roll(1, 0)), "each image's own x̂"),
        "noise": (changed(lambda m, o, b: m(torch.rand_like(b))), "each image's own x̂"),
    },
    check.diagnose: {
        "a list": (diagnosed(["healthy", "untrained", "collapsed"]), "keys A, B, C"),
    },
}

TestZoo = zoo_tests(RIGHT, WRONG, AGAIN)


def test_dead_relus_are_no_diagnosis():
    for name, (answer, _) in WRONG[check.diagnose].items():
        said = ask(check.diagnose, answer).message
        assert ("Dead ReLUs alone" in said) == ("is not collapsed" in said), name

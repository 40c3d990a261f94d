"""Lesson 06's checks against a zoo: right answers pass, each wrong one hears what is wrong."""

import numpy as np
import torch
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.svm import SVC
from torch.nn import functional as F

from ae_helpers.exercises import lesson_06 as check
from ae_helpers.measures import latent
from exercise_zoo import in_place, zoo_tests


def far(query, points):
    return (points - query).square().sum(1)


def line(start, end, shares):
    return (1 - shares[:, None]) * start + shares[:, None] * end


def even(steps):
    return torch.linspace(0, 1, steps)


def in_one_tensor(start, end, steps):
    point, points = start.clone(), []
    for _ in range(steps):
        points.append(point)
        point += (end - start) / (steps - 1)
    return points


def least_squares(codes, labels, others, intercept=1.0):
    """The scores of each class; without an intercept the column of ones is a column of zeros."""
    codes, others = (F.pad(each, (0, 1), value=intercept) for each in (codes, others))
    return others @ torch.linalg.lstsq(codes, F.one_hot(labels, 10).float(), driver="gelsd")[0]


def scored(pick, intercept=1.0):
    """An answer that is ``pick(scores)``."""
    return lambda codes, labels, others: pick(least_squares(codes, labels, others, intercept))


def as_quantity(codes, labels, others):
    """The label as if it were a number; not rounded."""
    codes, others = (F.pad(each, (0, 1), value=1.0) for each in (codes, others))
    return others @ torch.linalg.lstsq(codes, labels.float()[:, None]).solution[:, 0]


def trained(codes, labels, others, optimizer=torch.optim.Adam, steps=200):
    """Softmax regression by gradient descent."""
    torch.manual_seed(0)
    probe = torch.nn.Linear(codes.shape[1], 10)
    optimizer = optimizer(probe.parameters(), lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(probe(codes), labels).backward()
        optimizer.step()
    return probe(others).argmax(1)


def digit_by_digit(codes, labels, others):
    """A plane for each digit, which needs both kinds of codes: that digit's, and others."""
    planes = [LogisticRegression().fit(codes, labels == digit) for digit in range(10)]
    return np.stack([plane.decision_function(others) for plane in planes]).argmax(0)


def centred(codes, labels, others, own=False):
    """Least squares without a column of ones; ``own``: around each part's own mean."""
    scores = F.one_hot(labels, 10).float()
    slopes = torch.linalg.lstsq(codes - codes.mean(0), scores - scores.mean(0)).solution
    return ((others - (others if own else codes).mean(0)) @ slopes + scores.mean(0)).argmax(1)


def nearest_mean(codes, labels, others):
    """Linear, too: ‖z − m‖² = ‖z‖² − 2 z·m + ‖m‖², and ‖z‖² is the same for all classes."""
    return torch.cdist(others, torch.stack([codes[labels == d].mean(0) for d in range(10)])).argmin(
        1
    )


def bent(codes, labels, others):
    """Least squares on what a ReLU leaves."""
    return least_squares(codes.relu(), labels, others.relu()).argmax(1)


def smooth(codes, labels, others):
    """Regression by Gaussian bells around the training codes."""
    bells = (-torch.cdist(others, codes).square() / 8).exp()
    return (bells @ F.one_hot(labels, 10).float()).argmax(1)


RIGHT = {
    check.nearest: {
        "topk": lambda q, p, n: far(q, p).topk(n, largest=False).indices,
        "cdist": lambda q, p, n: torch.cdist(q[None], p)[0].argsort()[:n],
        "plain Python": lambda q, p, n: sorted(range(len(p)), key=lambda i: (p[i] - q).norm())[:n],
        "numpy": lambda q, p, n: np.linalg.norm(p.numpy() - q.numpy(), axis=1).argsort()[:n],
        "scikit-learn": lambda q, p, n: (
            NearestNeighbors(n_neighbors=n).fit(p).kneighbors(q[None], return_distance=False)
        ),
        "by the binomial formula": lambda q, p, n: (p.square().sum(1) / 2 - p @ q).argsort()[:n],
        "norm": lambda q, p, n: (p - q).norm(dim=1).sort()[1][:n].int(),
        "einsum": lambda q, p, n: torch.einsum("nd,nd->n", p - q, p - q).argsort()[:n],
        "float64": lambda q, p, n: far(q.double(), p.double()).argsort()[:n],
        "the library": lambda q, p, n: latent.Neighbours(p).nearest(q[None], n)[1],
    },
    check.interpolate: {
        "broadcast": lambda a, b, s: line(a, b, even(s)),
        "lerp": lambda a, b, s: torch.stack([a.lerp(b, t) for t in even(s)]),
        "numpy": lambda a, b, s: np.linspace(a.numpy(), b.numpy(), s),
        "number by number": lambda a, b, s: torch.stack(
            [torch.linspace(x, y, s) for x, y in zip(a, b, strict=True)], dim=1
        ),
        "float64": lambda a, b, s: a.double() + even(s).double()[:, None] * (b.double() - a),
        "the last one set": lambda a, b, s: [a + i / (s - 1) * (b - a) for i in range(s - 1)] + [b],
        "outer": lambda a, b, s: torch.outer(1 - even(s), a) + torch.outer(even(s), b),
        "a product": lambda a, b, s: torch.stack([1 - even(s), even(s)], 1) @ torch.stack([a, b]),
        "list": lambda a, b, s: [(1 - i / (s - 1)) * a + i / (s - 1) * b for i in range(s)],
    },
    check.probe: {
        "least squares": scored(lambda s: s.argmax(1)),
        "column": scored(lambda s: s.argmax(1, keepdim=True)),
        "softmax": trained,
        "scikit-learn": lambda c, y, o: LogisticRegression().fit(c, y).predict(o),
        "digit by digit": digit_by_digit,
        "scikit-learn's least squares": lambda c, y, o: (
            LinearRegression().fit(c, F.one_hot(y, 10)).predict(o).argmax(1)
        ),
        "the pseudo-inverse": lambda c, y, o: (
            F.pad(o, (0, 1), value=1.0).double()
            @ torch.linalg.pinv(F.pad(c, (0, 1), value=1.0).double())
            @ F.one_hot(y, 10).double()
        ).argmax(1),
        "centred on the training codes": centred,
        "nearest mean": nearest_mean,
        "the normal equations": lambda c, y, o: (
            F.pad(o, (0, 1), value=1.0)
            @ torch.linalg.solve(
                F.pad(c, (0, 1), value=1.0).T @ F.pad(c, (0, 1), value=1.0),
                F.pad(c, (0, 1), value=1.0).T @ F.one_hot(y, 10).float(),
            )
        ).argmax(1),
        "scaled to 0 and 1": lambda c, y, o: (
            make_pipeline(MinMaxScaler(), LogisticRegression()).fit(c, y).predict(o)
        ),
        "a linear support vector machine": lambda c, y, o: (
            SVC(kernel="linear").fit(c, y).predict(o)
        ),
    },
}

WRONG = {
    check.nearest: {
        "farthest": (lambda q, p, n: far(q, p).topk(n).indices, "from the other end"),
        "distances": (lambda q, p, n: far(q, p).sort().values[:n], "holds 3.24"),
        "negative distances": (lambda q, p, n: (-far(q, p)).topk(n).values, "holds -3.24"),
        "a generator": (lambda q, p, n: (i for i in far(q, p).argsort()[:n]), "Make a list"),
        "topk's pair": (lambda q, p, n: far(q, p).topk(n), "add .values or .indices"),
        "points": (lambda q, p, n: p[far(q, p).argsort()[:n]], "only the indices of the points"),
        "all": (lambda q, p, n: far(q, p).argsort(), "holds 9 indices"),
        "always 3": (lambda q, p, n: far(q, p).argsort()[:3], "For n = 2"),
        "not the first": (lambda q, p, n: far(q, p).argsort()[1 : n + 1], "skip the nearest"),
        "no order": (lambda q, p, n: far(q, p).argsort()[:n].flip(0), "comes last"),
        "no squares": (lambda q, p, n: (p - q).sum(1).argsort()[:n], "cancel each other"),
        "a root": (lambda q, p, n: (p - q).sum(1).sqrt().argsort()[:n], "the sum and the root"),
        "late squares": (lambda q, p, n: (p - q).sum(1).square().argsort()[:n], "*before* the sum"),
        "absolute": (lambda q, p, n: (p - q).abs().sum(1).argsort()[:n], "|differences|"),
        "smallest": (lambda q, p, n: (p - q).abs().amin(1).argsort()[:n], "is not the order"),
        "cubes": (lambda q, p, n: (p - q).abs().pow(3).sum(1).argsort()[:n], "is not the order"),
        "one above": (lambda q, p, n: far(q, p).argsort()[: n + 1], "holds 4 indices"),
        "largest": (lambda q, p, n: (p - q).abs().amax(1).argsort()[:n], "largest difference"),
        "product": (lambda q, p, n: (p @ q).topk(n).indices, "p·q"),
        "cosine": (lambda q, p, n: F.cosine_similarity(p, q[None]).topk(n).indices, "the cosine"),
        "origin": (lambda q, p, n: p.norm(dim=1).argsort()[:n], "the origin"),
        "no axis": (lambda q, p, n: (p - q).norm().topk(n).indices, "out of range. One distance"),
        "axis 0": (lambda q, p, n: (p - q).norm(dim=0).argsort()[:n], "over the points, axis 0"),
        "axes left": (lambda q, p, n: (p - q).square().sort().indices, "shape (9, 4)"),
        "mask": (lambda q, p, n: far(q, p) < 5, "True or False"),
        "floats": (lambda q, p, n: far(q, p).argsort()[:n].float(), "torch.float32, which"),
        "uint8": (lambda q, p, n: far(q, p).argsort()[:n].to(torch.uint8), "for a mask"),
        "both": (lambda q, p, n: tuple(far(q, p).topk(n, largest=False)), "Distances and indices?"),
        "column": (lambda q, p, n: far(q, p).argsort()[:n, None], "in a column"),
        "one": (lambda q, p, n: far(q, p).argmin(), "argmin finds"),
        "variance": (lambda q, p, n: (p - q).var(1).argsort()[:n], "[0, 3, 5] is not"),
        "ranks": (lambda q, p, n: far(q, p).argsort().argsort()[:n], "Those are ranks"),
        "one distance": (lambda q, p, n: far(q[None], p[None]).sum()[:n], "0-dim tensor. One"),
        "from 1": (lambda q, p, n: far(q, p).argsort()[:n] + 1, "one too high"),
        "in place": (in_place, "changes the tensors"),
        "made up": (lambda q, p, n: [0, 1, 2], "is not the order"),
    },
    check.interpolate: {
        "short of the end": (lambda a, b, s: line(a, b, torch.arange(s) / s), "stops short"),
        "late": (lambda a, b, s: line(a, b, torch.arange(1, s + 1) / s), "one step away"),
        "inside": (lambda a, b, s: line(a, b, torch.linspace(0, 1, s + 2)[1:-1]), "Neither end"),
        "only inner": (lambda a, b, s: line(a, b, even(s)[1:-1]), "ends missing?"),
        "one more": (lambda a, b, s: line(a, b, torch.linspace(0, 1, s + 1)), "One too many"),
        "one less": (lambda a, b, s: line(a, b, even(s))[1:], "One is missing"),
        "counted": (lambda a, b, s: line(a, b, torch.arange(s)), "counts the points"),
        "rounded": (lambda a, b, s: line(a, b, even(s)).round(decimals=3), "to 3 decimals"),
        "no start": (lambda a, b, s: even(s)[:, None] * (b - a), "leave out start: add"),
        "away": (lambda a, b, s: a - even(s)[:, None] * (b - a), "the other way"),
        "reversed": (lambda a, b, s: line(b, a, even(s)), "from end to start"),
        "added": (lambda a, b, s: a + even(s)[:, None] * b, "without taking"),
        "rounded ends": (lambda a, b, s: a + even(s)[:, None] * (b - a), "only up to rounding"),
        "16 bits": (lambda a, b, s: line(a, b, even(s)).half(), "only 16 bits"),
        "columns": (lambda a, b, s: line(a, b, even(s)).T, "A column for each"),
        "no axis": (lambda a, b, s: a + even(s) * (b - a), "of their own, shares[:, None]"),
        "one row": (lambda a, b, s: line(a, b, even(s)).flatten(), "one long row"),
        "shares": (lambda a, b, s: even(s), "one number per step"),
        "one tensor": (in_one_tensor, "All your points are the same"),
        "one point": (lambda a, b, s: (a + b) / 2, "single point"),
        "uneven": (
            lambda a, b, s: line(a, b, (1 - torch.cos(torch.pi * even(s))) / 2),
            "without a cosine",
        ),
        "smooth": (lambda a, b, s: line(a, b, even(s) ** 2 * (3 - 2 * even(s))), "in equal steps"),
        "quadratic": (lambda a, b, s: line(a, b, even(s) ** 2), "between them"),
        "whole": (lambda a, b, s: line(a, b, even(s)).long(), "whole numbers"),
        "always 5": (lambda a, b, s: line(a, b, torch.linspace(0, 1, 5)), "For steps = 3"),
        "noise": (lambda a, b, s: torch.zeros(s, len(a)), "they aren't"),
        "in place": (in_place, "changes the tensors"),
        "a cube": (lambda a, b, s: torch.zeros(s, s, s), "shape (5, 5, 5)"),
        "ragged": (lambda a, b, s: [a, b[:2]], "parts of your answer"),
    },
    check.probe: {
        "no intercept": (scored(lambda s: s.argmax(1), intercept=0.0), "through the origin"),
        "quantity": (lambda c, y, o: as_quantity(c, y, o).round(), "between 2 and 4"),
        "not whole": (as_quantity, "whole numbers"),
        "smallest": (scored(lambda s: s.argmin(1)), "*smallest*"),
        "scores": (least_squares, "ten scores"),
        "largest scores": (scored(lambda s: s.amax(1)), "largest *scores*"),
        "axis 0": (scored(lambda s: s.argmax(0)), "one code per class"),
        "neighbours": (lambda c, y, o: KNeighborsClassifier().fit(c, y).predict(o), "isn't linear"),
        "on train": (lambda c, y, o: least_squares(c, y, c).argmax(1), "*training* code"),
        "one too high": (scored(lambda s: s.argmax(1) + 1), "one too high"),
        "one too low": (scored(lambda s: s.argmax(1) - 1), "one too low"),
        "from the others": (
            lambda c, y, o: least_squares(o, y[: len(o)], o).argmax(1),
            "learn from train_codes",
        ),
        "one kind scaled": (
            lambda c, y, o: LogisticRegression().fit((c - c.mean(0)) / c.std(0), y).predict(o),
            "do the same to both",
        ),
        "accuracy": (lambda c, y, o: 0.93, "accuracy"),
        "labels as given": (lambda c, y, o: y[: len(o)], "stay as they are"),
        "own mean": (lambda *given: centred(*given, own=True), "that stand beside one"),
        "ones for one": (lambda c, y, o: o @ torch.ones(10, 9), "column of ones belongs"),
        "whole targets": (lambda c, y, o: torch.linalg.lstsq(c, F.one_hot(y)), "F.one_hot gives"),
        "shifted": (scored(lambda s: s.argmax(1).roll(1)), "of your labels"),
        "half": (scored(lambda s: s.argmax(1)[:30]), "shape (30,)"),
        "without signs": (scored(lambda s: s.abs().argmax(1)), "without its sign"),
        "in place": (in_place, "changes the tensors"),
    },
}

# The same mistakes in other forms: they hear the same.
WRONG_AGAIN = {
    check.nearest: {
        "summed over everything": (
            lambda q, p, n: (p - q).square().sum().argsort(),
            "everything leaves one number",
        ),
        "squares with their sign": (
            lambda q, p, n: ((p - q) * (p - q).abs()).sum(1).abs().argsort()[:n],
            "positive *before* the sum",
        ),
    },
    check.interpolate: {
        "for 5 only": (lambda a, b, s: line(a, b, torch.arange(s) / 4), "not for 3"),
        "from the end": (
            lambda a, b, s: b + (1 - even(s))[:, None] * (a - b),
            "exact at both ends",
        ),
        "shorter": (lambda a, b, s: line(a, b, torch.arange(s) / (s + 1)), "stops short"),
    },
    check.probe: {
        "targets centred, codes not": (
            lambda c, y, o: (
                o @ torch.linalg.lstsq(c, F.one_hot(y, 10) - F.one_hot(y, 10).float().mean(0))[0]
                + F.one_hot(y, 10).float().mean(0)
            ).argmax(1),
            "a linear map with an intercept finds over 90%",
        ),
        "cut off": (lambda c, y, o: as_quantity(c, y, o).long(), "between 2 and 4"),
        "one kind centred": (
            lambda c, y, o: least_squares(c - c.mean(0), y, o).argmax(1),
            "do the same to both",
        ),
        "always 9": (lambda c, y, o: torch.full((len(o),), 9), "stay as they are"),
        "no intercept": (
            lambda c, y, o: (
                LogisticRegression(fit_intercept=False, max_iter=1_000).fit(c, y).predict(o)
            ),
            "through the origin",
        ),
        "stopped early": (lambda *given: trained(*given, torch.optim.SGD, 50), "take more of them"),
        "ReLU": (bent, "isn't linear"),
        "odd powers": (
            lambda c, y, o: SVC(kernel="poly", degree=3).fit(c, y).predict(o),
            "isn't linear",
        ),
        "bells": (smooth, "isn't linear"),
        "kernel": (lambda c, y, o: SVC().fit(c, y).predict(o), "isn't linear"),
        "Gaussians": (lambda c, y, o: GaussianNB().fit(c, y).predict(o), "isn't linear"),
    },
}


TestZoo = zoo_tests(RIGHT, WRONG, again=WRONG_AGAIN)

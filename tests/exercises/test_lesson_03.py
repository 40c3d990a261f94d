"""Lesson 03's checks against a zoo: right answers pass, each wrong one hears what is wrong."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ae_helpers.exercises import lesson_03 as check
from exercise_zoo import zoo_tests

NAIVE = ((5, 2, 1), (3, 2, 1), (3, 2, 1), (15, 1, 1))  # kernel size, stride, padding: the mirror
OURS = ((4, 1, 0), (2, 2, 0), (2, 2, 0), (4, 2, 3))
CHANNELS = (64, 32, 16, 8, 1)


def mirror(settings=NAIVE, extra=(0, 0, 0, 0), channels=CHANNELS):
    return nn.Sequential(
        *(
            nn.ConvTranspose2d(a, b, kernel_size=k, stride=s, padding=p, output_padding=o)
            for a, b, (k, s, p), o in zip(channels, channels[1:], settings, extra, strict=False)
        )
    )


def with_activations(norm=nn.Identity):
    layers = []
    for layer in mirror(OURS):
        layers += [layer, norm(layer.out_channels), nn.ReLU()]
    return nn.Sequential(nn.Sequential(*layers[:6]), *layers[6:-1], nn.Sigmoid())


class FromTheEnd(nn.Module):
    """Its layers are made in the opposite order."""

    def __init__(self):
        super().__init__()
        self.last, self.third, self.second, self.first = reversed(mirror(OURS))

    def forward(self, latent):
        return self.last(self.third(self.second(self.first(latent))))


class Other(nn.Module):
    """Its layers are right; what it gives is ``made(network, latent)``."""

    def __init__(self, made):
        super().__init__()
        self.layers, self.made = mirror(OURS), made

    def forward(self, latent):
        return self.made(self, latent)


def by_functions(network, latent):
    """The layers' own weights, used by the function of the same name."""
    for layer in network.layers:
        settings = {"stride": layer.stride, "padding": layer.padding}
        latent = F.conv_transpose2d(latent, layer.weight, layer.bias, **settings).relu()
    return latent


def resized(network, latent):
    first, second, third, last = network.layers
    return F.interpolate(last(F.interpolate(third(second(first(latent))), 12)), 28)


# ---- stamping: an answer as readers write it, right with its defaults


def crop(canvas, p):
    return canvas[:, p : canvas.shape[1] - p, p : canvas.shape[2] - p]


def put(canvas, i, j, stamp):
    canvas[:, i : i + stamp.shape[1], j : j + stamp.shape[2]] += stamp


def replace(canvas, i, j, stamp):
    canvas[:, i : i + stamp.shape[1], j : j + stamp.shape[2]] = stamp


def stamps(put=put, of=lambda x, w, i, j: (x[:, i, j, None, None, None] * w).sum(0), crop=crop,
           at=lambda i, j, s: (i * s, j * s), size=lambda n, k, s: (n - 1) * s + k,
           bias=lambda canvas, b: canvas + b[:, None, None], dtype=torch.float64):  # fmt: skip
    def answer(x, weight, b, stride, padding):
        sizes = zip(x.shape[1:], weight.shape[2:], strict=True)
        canvas = torch.zeros(len(b), *(size(n, k, stride) for n, k in sizes), dtype=dtype)
        for i in range(x.shape[1]):
            for j in range(x.shape[2]):
                put(canvas, *at(i, j, stride), of(x, weight, i, j))
        return bias(crop(canvas, padding), b)

    return answer


def four_loops(x, weight, bias, stride, padding):
    into, out, tall, wide = weight.shape
    _, height, width = x.shape
    canvas = np.zeros((out, stride * height - stride + tall, stride * width - stride + wide))
    for i in range(into):
        for o in range(out):
            for row in range(height):
                for column in range(width):
                    top, left = row * stride, column * stride
                    canvas[o, top : top + tall, left : left + wide] += (
                        x[i, row, column] * weight[i, o]
                    ).numpy()
    canvas += bias.numpy()[:, None, None]
    return canvas[:, padding : canvas.shape[1] - padding, padding : canvas.shape[2] - padding]


def pixel_by_pixel(x, weight, bias, stride, padding):
    """Where each pixel comes from, instead of where each number goes; lists of lists."""
    into, out, tall, wide = weight.shape
    _, height, width = x.shape
    rows, columns = ((n - 1) * stride + k for n, k in ((height, tall), (width, wide)))

    def value(o, row, column):
        total = bias[o].item()
        for i in range(height):
            for j in range(width):
                u, v = row - i * stride, column - j * stride
                if 0 <= u < tall and 0 <= v < wide:
                    total += (x[:, i, j] * weight[:, o, u, v]).sum().item()
        return total

    inner = range(padding, rows - padding), range(padding, columns - padding)
    return [[[value(o, r, c) for c in inner[1]] for r in inner[0]] for o in range(out)]


def on_bias(x, weight, bias, stride, padding):
    """The canvas begins with the bias instead of with zeros."""
    laid = stamps(bias=lambda canvas, b: canvas)(x, weight, bias, stride, padding)
    return bias[:, None, None].expand_as(laid) + laid


def bias_first(x, weight, bias, stride, padding):
    return crop(stamps()(x, weight, bias, stride, 0), padding)


def by_torch(change=lambda x, w, b: (x, w, b), **other):
    def answer(x, weight, bias, stride, padding):
        settings = {"stride": stride, "padding": padding, **other}
        return F.conv_transpose2d(*change(x, weight, bias), **settings)

    return answer


def one_sided(x, weight, bias, stride, padding):
    return stamps(crop=lambda canvas, p: canvas[:, p:, p:])(x, weight, bias, stride, padding)


def averaged(x, weight, bias, stride, padding):
    laid = stamps(bias=lambda canvas, b: canvas)(x, weight, bias, stride, padding)
    ones = torch.ones_like(x[:1]), torch.ones_like(weight[:1, :1])
    return laid / by_torch()(*ones, None, stride, padding).clamp(min=1) + bias[:, None, None]


def biased(of):
    """The bias, ``(out, 1, 1)``, comes with the stamps."""

    def answer(x, weight, bias, stride, padding):
        with_bias = stamps(
            of=lambda x, w, i, j: of(x, w, bias[:, None, None], i, j), bias=lambda canvas, b: canvas
        )
        return with_bias(x, weight, bias, stride, padding)

    return answer


def in_numpy(**changes):
    """The stamps laid by NumPy, on the same canvas."""

    def lay(canvas, i, j, stamp):
        put(canvas.numpy(), i, j, stamp.numpy())

    return stamps(put=lay, **changes)


def changes_weight(x, weight, bias, stride, padding):
    weight *= 2
    return stamps()(x, weight, bias, stride, padding)


def channels_left(x, weight, bias, stride, padding):
    return torch.stack(
        [stamps()(x[i : i + 1], weight[i : i + 1], bias, stride, padding) for i in range(len(x))]
    )


# ---- the matrix of a convolution


def matrix(kernel, height, width, stride, put=None, rows=None, flat=lambda image: image.flatten()):
    tall, wide = kernel.shape
    made = []
    corners = [
        (i, j)
        for i in range(0, height - tall + 1, stride)
        for j in range(0, width - wide + 1, stride)
    ]
    for i, j in (rows or list)(corners):
        image = torch.zeros(height, width, dtype=torch.float64)
        image[i : i + tall, j : j + wide] = kernel
        made.append(flat(image))
    return torch.stack(made)


def by_one_hot(kernel, height, width, stride):
    pixels = height * width
    images = torch.eye(pixels, dtype=kernel.dtype).view(pixels, 1, height, width)
    return F.conv2d(images, kernel[None, None], stride=stride).flatten(1).T


def by_jacobian(kernel, height, width, stride):
    def conv(pixels):
        image = pixels.view(1, 1, height, width)
        return F.conv2d(image, kernel[None, None], stride=stride).flatten()

    return torch.autograd.functional.jacobian(conv, torch.zeros(height * width).double())


def by_numpy(kernel, height, width, stride):
    (tall, wide), rows = kernel.shape, []
    for top in range((height - tall) // stride + 1):
        for left in range((width - wide) // stride + 1):
            row = np.zeros(height * width, "float32")
            for u in range(tall):
                begin = (top * stride + u) * width + left * stride
                row[begin : begin + wide] = kernel[u]
            rows.append(row)
    return rows


def one_stretch(kernel, height, width, stride):
    def flat(image):
        row, first = torch.zeros(height * width).double(), image.flatten().nonzero()[0].item()
        part = row[first : first + kernel.numel()]
        part.copy_(kernel.flatten()[: len(part)])
        return row

    return matrix(kernel, height, width, stride, flat=flat)


def one_image(copy, add=False):
    """All windows on one image of zeros."""

    def answer(kernel, height, width, stride):
        image, made = torch.zeros(height, width).double(), []
        for i in range(0, height - len(kernel) + 1, stride):
            for j in range(0, width - kernel.shape[1] + 1, stride):
                window = image[i : i + len(kernel), j : j + kernel.shape[1]]
                window.copy_(window + kernel if add else kernel)
                made.append(copy(image).flatten())
        return torch.stack(made)

    return answer


def unmoved(kernel, height, width, stride):
    return matrix(kernel, height, width, stride, rows=lambda corners: [(0, 0)] * len(corners))


def reshaped(shape):
    """``shape(windows down, across, height, width)``."""

    def answer(kernel, height, width, stride):
        tall, wide = (
            (n - k) // stride + 1 for n, k in zip((height, width), kernel.shape, strict=True)
        )
        return matrix(kernel, height, width, stride).view(shape(tall, wide, height, width))

    return answer


RIGHT = {
    check.transposed_size: {
        "rule": lambda n, k, s, p: (n - 1) * s - 2 * p + k,
        "torch": lambda n, kernel_size, stride, padding: nn.ConvTranspose2d(
            1, 1, kernel_size, stride, padding
        )(torch.zeros(1, 1, n, n)).shape[2],
        "in another order": lambda n, k, s, p: n * s - s + k - p - p,
        "a float": lambda n, k, s, p: float((n - 1) * s + k) - 2 * p,
    },
    check.repaired_mirror: {
        "output_padding": mirror(extra=(1, 1, 1, 0)),
        "ours": mirror(OURS),
        "larger kernels": mirror(((6, 2, 1), (4, 2, 1), (4, 2, 1), (15, 1, 1))),
        "no stride": mirror(((4, 3, 0), (5, 1, 0), (9, 1, 0), (13, 1, 0))),
        "activations": with_activations(),
        "layer norm": nn.Sequential(mirror(OURS)[0], nn.LayerNorm((32, 4, 4)), *mirror(OURS)[1:]),
        "weight norm": nn.Sequential(
            nn.utils.parametrizations.weight_norm(mirror(OURS)[0]), *mirror(OURS)[1:]
        ),
        "batch norm": with_activations(nn.BatchNorm2d),
        "group norm": with_activations(lambda channels: nn.GroupNorm(1, channels)),
        "PReLU": with_activations(nn.PReLU),
        "float64": mirror(OURS).double(),
        "a class, made from the end": FromTheEnd(),
        "a class, by functions": Other(by_functions),
        "a class without gradients": Other(torch.no_grad()(lambda own, x: own.layers(x))),
    },
    check.stamping: {
        "two loops": stamps(),
        "four loops, NumPy": four_loops,
        "pixel by pixel, lists": pixel_by_pixel,
        "float32": stamps(dtype=torch.float32),
        "from the bias on": on_bias,
        "torch": by_torch(),
        "einsum": stamps(of=lambda x, w, i, j: torch.einsum("i,iokl->okl", x[:, i, j], w)),
        "cropped by F.pad": stamps(crop=lambda canvas, p: F.pad(canvas, (-p,) * 4)),
        "bias before the crop": bias_first,
    },
    check.convolution_matrix: {
        "by rows": matrix,
        "one-hot images": by_one_hot,
        "autograd": by_jacobian,
        "NumPy, a list, float32": by_numpy,
    },
}

WRONG = {
    check.transposed_size: {
        "lesson 02's": (lambda n, k, s, p: (n + 2 * p - k) // s + 1, "which shrinks"),
        "padding added": (lambda n, k, s, p: (n - 1) * s + 2 * p + k, "add the padding"),
        "p once": (lambda n, k, s, p: (n - 1) * s - p + k, "crop p once"),
        "no padding": (lambda n, k, s, p: (n - 1) * s + k, "nothing is cropped"),
        "n steps": (lambda n, k, s, p: n * s - 2 * p + k, "n steps"),
        "no kernel": (lambda n, k, s, p: (n - 1) * s - 2 * p, "where the last stamp begins"),
        "one short": (lambda n, k, s, p: (n - 1) * s - 2 * p + k - 1, "one short"),
        "one too large": (lambda n, k, s, p: (n - 1) * s - 2 * p + k + 1, "one too large"),
        "side by side": (lambda n, k, s, p: n * k - 2 * p, "side by side"),
        "n · s": (lambda n, k, s, p: n * s, "n · s is right only where"),
        "k and s": (lambda n, k, s, p: (n - 1) * k - 2 * p + s, "Kernel and stride are exchanged"),
        "input cropped": (lambda n, k, s, p: (n - 2 * p - 1) * s + k, "You crop p · s"),
        "never smaller": (
            lambda n, k, s, p: max(n, (n - 1) * s - 2 * p + k),
            "For n=8, kernel_size=3, stride=1, padding=2 you say 8, but torch makes 6",
        ),
        "pixels stamped": (
            lambda n, k, s, p: len({s * a + b for a in range(n) for b in range(k)}) - 2 * p,
            "For n=2, kernel_size=3, stride=4, padding=1 you say",
        ),
        "never negative": (
            lambda n, k, s, p: max((n - 1) * s - 2 * p, 0) + k,
            "For n=1, kernel_size=5, stride=2, padding=1 you say 5, but torch makes 3",
        ),
        "a pair": (lambda n, k, s, p: (n, n), "a tuple, (1, 1); expected a size, one number"),
    },
    check.repaired_mirror: {
        "first": (mirror(), "Layer 1 goes wrong: (1 − 1)·2 − 2·1 + 5 = 3"),
        "second": (mirror(extra=(1, 0, 0, 0)), "Layer 2 goes wrong: (4 − 1)·2 − 2·1 + 3 = 7"),
        "third": (mirror(extra=(1, 1, 0, 0)), "Layer 3 goes wrong: (8 − 1)·2 − 2·1 + 3 = 15"),
        "not cropped": (mirror((*OURS[:3], (4, 2, 0))), "34×34, not 28×28. 6 pixels too many"),
        "odd": (mirror((*OURS[:3], (15, 2, 1))), "15 pixels too many"),
        "gaps": (mirror((*OURS[:2], (1, 2, 0), OURS[3])), "(8 − 1)·2 − 2·0 + 1 = 15"),
        "output_padding 2": (mirror(extra=(2, 1, 1, 0)), "smaller than the stride"),
        "turned": (mirror(OURS, channels=CHANNELS[::-1]), "takes 1 channel and makes 8"),
        "channels": (mirror(OURS, channels=(64, 32, 16, 16, 1)), "Layer 3 takes 16 channels and"),
        "three layers": (mirror(OURS[:3]), "3 transposed layers"),
        "a list": (list(mirror(OURS)), "list of layers"),
        "Conv2d": (nn.Sequential(mirror(OURS[:1]), nn.Conv2d(32, 16, 3)), "Layer 2 is a Conv2d"),
        "a number": (28, "This is 28"),
        "an image": (torch.zeros(1, 1, 28, 28), "0., 0., …; expected"),
        "numbers": (list(check.SIZES), "This is [1, 4, 8, 16, 28]; expected an nn.Sequential"),
        "Linear": (nn.Sequential(nn.Linear(64, 512), *mirror(OURS)), "Layer 1 is a Linear"),
        "a frame around": (nn.Sequential(*mirror(OURS), nn.ZeroPad2d(1)), "gives (1, 1, 30, 30)"),
        "flat": (nn.Sequential(*mirror(OURS), nn.Flatten()), "gives (1, 784)"),
        "shuffled": (nn.Sequential(*mirror(OURS), nn.PixelShuffle(2)), "all in a row stop with"),
        "other weights": (Other(lambda own, x: mirror(OURS)(x)), "layer 1 has no part in"),
        "layer 4 unused": (
            Other(lambda own, x: F.interpolate(own.layers[:3](x)[:, :1], 28)),
            "layer 4 has no part in",
        ),
        "resized by a function": (Other(resized), "You resize between the layers"),
        "a dict": (Other(lambda own, x: {"image": own.layers(x)}), "the whole gives a dict"),
        "only kept": (nn.ModuleList(mirror(OURS)), "ModuleList only keeps layers"),
    },
    check.stamping: {
        "replaced": (stamps(put=replace), "you keep the last one"),
        "channels replaced": (
            stamps(replace, lambda x, w, i, j: x[-1, i, j] * w[-1]),
            "that another channel laid",
        ),
        "averaged": (averaged, "overlaps are added, not averaged"),
        "no bias": (stamps(bias=lambda canvas, b: canvas), "The bias is missing"),
        "minus bias": (stamps(bias=lambda canvas, b: canvas - b[:, None, None]), "subtracted"),
        "bias with each stamp": (
            biased(lambda x, w, b, i, j: (x[:, i, j, None, None, None] * w).sum(0) + b),
            "comes along with every stamp",
        ),
        "bias with each channel's": (
            biased(lambda x, w, b, i, j: (x[:, i, j, None, None, None] * w + b).sum(0)),
            "with the stamp of every channel",
        ),
        "bias for each channel in": (
            lambda x, w, b, s, p: stamps()(x, w, len(x) * b, s, p),
            "for each channel that goes in",
        ),
        "one bias": (lambda x, w, b, s, p: stamps()(x, w, b[0].expand_as(b), s, p), "first bias"),
        "first channel": (by_torch(lambda x, w, b: (x[:1], w[:1], b)), "Only the first channel"),
        "last channel": (by_torch(lambda x, w, b: (x[-1:], w[-1:], b)), "Only the last channel"),
        "mean of channels": (
            stamps(of=lambda x, w, i, j: (x[:, i, j, None, None, None] * w).mean(0)),
            "mean over the channels",
        ),
        "weight[0] for all": (
            by_torch(lambda x, w, b: (x, w[:1].expand_as(w), b)),
            "use the first one's stamps",
        ),
        "weight[:, 0] for all": (
            by_torch(lambda x, w, b: (x, w[:, :1].expand_as(w), b)),
            "come out are alike",
        ),
        "flipped": (by_torch(lambda x, w, b: (x, w.flip(2, 3), b)), "The kernel is flipped"),
        "upside down": (by_torch(lambda x, w, b: (x, w.flip(2), b)), "upside down"),
        "mirrored": (by_torch(lambda x, w, b: (x, w.flip(3), b)), "left is right"),
        "all in the corner": (stamps(at=lambda i, j, s: (0, 0)), "the upper left corner"),
        "1 apart": (stamps(at=lambda i, j, s: (i, j)), "stamps begin 1 apart, whatever"),
        "1 apart, down": (stamps(at=lambda i, j, s: (i, j * s)), "Down, the stamps begin 1 apart"),
        "1 apart, right": (stamps(at=lambda i, j, s: (i * s, j)), "To the right, the stamps"),
        "cropped below": (
            stamps(crop=lambda c, p: c[:, : c.shape[1] - 2 * p, : c.shape[2] - 2 * p]),
            "taken at the bottom",
        ),
        "cropped above": (stamps(crop=lambda c, p: c[:, 2 * p :, 2 * p :]), "taken at the top"),
        "not cropped": (stamps(crop=lambda c, p: c), "Nothing is cropped"),
        "cropped once": (one_sided, "from one side only"),
        "padded": (stamps(crop=lambda c, p: F.pad(c, (p,) * 4)), "Padding is added"),
        "minus zero": (stamps(crop=lambda c, p: c[:, p:-p, p:-p]), "−0 is 0"),
        "n steps": (stamps(size=lambda n, k, s: n * s + k), "One step too many"),
        "a batch": (lambda *case: stamps()(*case)[None], "a batch axis too many"),
        "channels last": (lambda *case: stamps()(*case).permute(1, 2, 0), "come first"),
        "channels added up": (lambda *case: stamps()(*case).sum(0), "channel axis is missing"),
        "channels in are left": (channels_left, "have an axis of their own left"),
        "a convolution": (
            lambda x, w, b, s, p: F.conv2d(x, w.transpose(0, 1), b, stride=s, padding=p),
            "the size of an ordinary convolution",
        ),
        "axes": (by_torch(lambda x, w, b: (x, w.transpose(0, 1), b)), "Your code stops with"),
        "rolled": (by_torch(lambda x, w, b: (x, w.roll(1, 1), b)), "shapes are right, but for x"),
        "rows and columns": (
            lambda x, w, b, s, p: stamps()(x.mT, w.mT, b, s, p).mT.flip(1),
            "shapes are right, but for x.shape=torch.Size([2, 3, 2])",
        ),
        "whole numbers": (stamps(dtype=torch.int64), "make it of floats"),
        "whole numbers, NumPy": (in_numpy(dtype=torch.int64), "make it of floats"),
        "k apart": (stamps(at=lambda i, j, s: (3 * i, 2 * j)), "as large as a stamp"),
        "k apart, NumPy": (in_numpy(at=lambda i, j, s: (3 * i, 2 * j)), "as large as a stamp"),
        "bias in a row": (stamps(bias=lambda canvas, b: canvas + b), "laid out as (out, 1, 1)"),
        "changes the weight": (changes_weight, "with mul_ or +="),
        "NaN": (lambda *case: stamps()(*case) * float("nan"), "NaN"),
    },
    check.convolution_matrix: {
        "transposed": (lambda *case: matrix(*case).T, "the transposed matrix"),
        "flipped": (lambda k, *sizes: matrix(k.flip(0, 1), *sizes), "kernel is flipped"),
        "pixels by columns": (
            lambda *case: matrix(*case, flat=lambda image: image.T.flatten()),
            "pixels stand in the order of columns",
        ),
        "windows by columns": (
            lambda *case: matrix(*case, rows=lambda at: sorted(at, key=lambda ij: ij[::-1])),
            "windows stand in the order of columns",
        ),
        "last first": (lambda *case: matrix(*case).flip(0), "opposite order"),
        "1 apart": (
            lambda k, h, w, s: matrix(
                k, h, w, s, rows=lambda at: [(i // s, j // s) for i, j in at]
            ),
            "they begin 1 apart",
        ),
        "unmoved": (unmoved, "the window has to move"),
        "one stretch": (one_stretch, "in one stretch"),
        "marked": (lambda k, *sizes: matrix(torch.ones_like(k), *sizes), "You mark where"),
        "one image": (one_image(torch.clone), "filled again and again"),
        "one image for all": (one_image(lambda image: image), "with all windows in it"),
        "added": (one_image(torch.clone, add=True), "added to those before it"),
        "added for all": (one_image(lambda image: image, add=True), "added up, in every row"),
        "images": (reshaped(lambda a, b, h, w: (a * b, h, w)), "Flatten each image"),
        "a grid": (reshaped(lambda a, b, h, w: (a, b, h * w)), "windows are in a grid"),
        "four axes": (reshaped(lambda a, b, h, w: (a, b, h, w)), "Flatten both"),
        "only kernels": (
            lambda k, *sizes: k.flatten().expand(len(matrix(k, *sizes)), -1),
            "only the kernel's weights",
        ),
        "a row short": (
            lambda k, h, w, s: matrix(k, h - s, w - s, s)[:, :1].expand(-1, h * w),
            "range leaves its end out",
        ),
        "no stride": (lambda k, h, w, s: matrix(k, h, w, 1), "You have all windows"),
        "exchanged": (lambda k, h, w, s: matrix(k, w, h, s), "Height and width are exchanged"),
        "a row for each pixel": (lambda k, h, w, s: torch.eye(h * w), "fewer windows than pixels"),
        "last one missing": (lambda *case: matrix(*case)[:-1], "One window is missing"),
        "float32 pictures": (
            lambda k, h, w, s: F.conv2d(torch.eye(h * w).view(-1, 1, h, w), k[None, None]),
            "What the check gives is float64",
        ),
        "one row": (lambda *case: matrix(*case)[0], "One row; each window has one"),
        "negative": (lambda *case: -matrix(*case), "The shape is right, but for kernel.shape"),
        "changes the kernel": (lambda k, *sizes: matrix(k.mul_(2), *sizes), "with mul_."),
    },
}

# The same by a layer instead of by a function.
AGAIN = {
    check.repaired_mirror: {
        "resized": (nn.Sequential(*mirror(extra=(1, 1, 1, 0)), nn.Upsample(28)), "resize"),
        "thrown away": (Other(lambda own, x: torch.zeros_like(own.layers(x))), "layer 1 has"),
    },
}

TestZoo = zoo_tests(RIGHT, WRONG, AGAIN, alike={"axes"})


def test_the_repair_names_how():
    assert "says which" in check.repaired_mirror(mirror(extra=(1, 1, 1, 0))).message
    assert "without output_padding" in check.repaired_mirror(mirror(OURS)).message


def test_a_network_is_left_as_it_is():
    network = with_activations(nn.BatchNorm2d)
    kept = {name: value.clone() for name, value in network.state_dict().items()}
    assert check.repaired_mirror(network) and network.training
    assert all(torch.equal(kept[name], value) for name, value in network.state_dict().items())

"""Numbers are numbers, wherever they come from."""

import numpy as np
import pytest
import torch

from ae_helpers.data.settings import is_number, is_whole, plain
from ae_helpers.models import Autoencoder
from ae_helpers.models.any_shape import build
from ae_helpers.models.vae import VAE, NegativeElbo


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (np.array(0.5), 0.5),
        (torch.tensor(3), 3),
        (torch.tensor(0.5, requires_grad=True), 0.5),
        (np.bool_(True), True),
        (np.str_("relu"), "relu"),
        (None, None),
        ("3", "3"),
    ],
)
def test_plain(given, expected):
    assert plain(given) == expected and type(plain(given)) is type(expected)


def test_several_numbers_are_no_number():
    assert not is_number(plain(np.array([1.0]))) and not is_whole(plain(torch.tensor([1])))


@pytest.mark.parametrize("value", [True, "3", None, 2.0, -1])
def test_what_is_not_whole(value):
    assert not is_whole(value) and is_whole(3) and is_whole(0) and not is_whole(0, 1)
    assert is_number(value) == (type(value) in (int, float))


@pytest.mark.parametrize("form", [np.array, torch.tensor])
def test_networks_take_them_and_keep_plain_ones(form):
    assert VAE(form(2)).options["latent_size"] == 2
    assert Autoencoder(np.str_("gelu"), dropout=form(0.5)).options["dropout"] == 0.5
    options = build(form([3, 32, 32]), form(64)).options
    assert repr(options["shape"]) == "(3, 32, 32)" and type(options["latent_size"]) is int
    assert repr(NegativeElbo(form(2.0))) == "NegativeElbo(beta=2)"
    for wrong in (lambda: VAE(True), lambda: build((1, 28, 28), True), lambda: NegativeElbo(True)):
        with pytest.raises(ValueError, match="=True; expected a"):
            wrong()


def test_take(sample):
    few = sample.take(np.int64(3), torch.tensor(2))
    assert (len(few.train_images), len(few.test_labels)) == (3, 2)
    for wrong in (-5, 2.5, "3", True):
        with pytest.raises(ValueError, match=f"test={wrong!r}; expected how many images to take"):
            sample.take(test=wrong)

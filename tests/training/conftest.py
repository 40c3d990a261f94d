"""What tests of training share: digits in a file, and how a run that was broken off must end."""

import pytest
import torch

from ae_helpers.training import fit


@pytest.fixture
def digits(small, tmp_path):
    """190 images, so that each epoch ends with a batch of 30; other programs find them as well."""
    few = small.take(190)
    torch.save(
        {name: getattr(few, name) for name in few.__dataclass_fields__}, tmp_path / "digits.pt"
    )
    return few


@pytest.fixture
def goes_on(build, small, same_weights, same_history):
    """A function that trains in a folder, and says whether all ends as it does without a break."""

    def check(folder, images, epochs, *args, options=None, **settings):
        resumed, whole = build(9, **options or {}), build(**options or {})
        history = fit(resumed, images, epochs, *args, folder=folder, **settings)
        expected = fit(whole, images, epochs, *args, progress=False, **settings)
        return same_weights(resumed, whole) and same_history(history, expected)

    return check

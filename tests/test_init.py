"""What an import takes along, and what it says where torch and torchvision don't fit together."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent

# A module of each room that lessons import first.
WORKSHOP = """
from ae_helpers import data, measures, models, training
from ae_helpers.course import sweep
from ae_helpers.measures import applications, baselines, diagnostics, latent
from ae_helpers.models import any_shape, shipped, vae
"""


def python(code, *before):
    """Run ``code`` in a new process, with folders that are searched for modules first."""
    path = os.pathsep.join(map(str, [*before, PROJECT]))
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path, "AE_DATA_DIR": "sample"},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import ae_helpers", ["torch", "numpy"]),
        ("from ae_helpers.__main__ import main; main(['--help'])", ["torch", "numpy", "nbformat"]),
        (WORKSHOP, []),
        ("from ae_helpers.data import load; load('mnist')", []),
    ],
    ids=["the package", "help", "the workshop", "loading the sample"],
)
def test_what_takes_long_is_imported_when_it_is_needed(code, absent):
    slow = {"torchvision", "sklearn", "matplotlib", *absent}
    found = python(f"import atexit, sys; atexit.register(lambda: print(*sys.modules))\n{code}")
    assert found.returncode == 0, found.stderr
    assert "ae_helpers" in found.stdout.split()
    assert not slow & set(found.stdout.split())


def test_a_torchvision_that_does_not_fit_is_explained_in_two_lines(tmp_path):
    fake = tmp_path / "torchvision"
    fake.mkdir()
    (fake / "__init__.py").write_text(
        "raise RuntimeError('operator torchvision::nms does not exist')"
    )
    code = "from ae_helpers.data.sources import torchvision_datasets; torchvision_datasets()"
    result = python(code, tmp_path)
    assert result.returncode == 1
    *_, what, cure = result.stderr.strip().splitlines()
    assert what.startswith("ImportError: torch and torchvision come from different places")
    assert "operator torchvision::nms does not exist" in what
    assert cure.startswith("Cure: python -m pip install --force-reinstall torch torchvision")
    assert "During handling" not in result.stderr  # not torchvision's traceback as well

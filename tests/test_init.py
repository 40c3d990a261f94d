"""Importing the package where torch and torchvision don't fit together."""

import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parent.parent


def test_a_torchvision_that_does_not_fit_is_explained_in_two_lines(tmp_path):
    fake = tmp_path / "torchvision"
    fake.mkdir()
    (fake / "__init__.py").write_text(
        "raise RuntimeError('operator torchvision::nms does not exist')"
    )
    path = os.pathsep.join([str(tmp_path), str(PROJECT)])
    result = subprocess.run(
        [sys.executable, "-c", "import ae_helpers.data"],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    *_, what, cure = result.stderr.strip().splitlines()
    assert what.startswith("ImportError: torch and torchvision come from different places")
    assert "operator torchvision::nms does not exist" in what
    assert cure.startswith("Cure: python -m pip install --force-reinstall torch torchvision")
    assert "During handling" not in result.stderr  # not torchvision's traceback as well

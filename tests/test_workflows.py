"""What only a host of this project reads: linted here, and compared with what it calls."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.specifiers import SpecifierSet

PROJECT = Path(__file__).parent.parent
WORKFLOW = yaml.safe_load((PROJECT / ".github/workflows/tests.yml").read_text(encoding="utf-8"))
JOBS = WORKFLOW["jobs"]


def runs(job):
    return [step["run"] for step in JOBS[job]["steps"] if "run" in step]


def ci_run():
    """The targets that `.ci/run` makes."""
    script = (PROJECT / ".ci" / "run").read_text(encoding="utf-8")
    return re.findall(r"^make \w+$", script, re.MULTILINE)


@pytest.mark.parametrize(
    ("schema", "pattern"),
    [
        ("vendor.github-workflows", "workflows/*.yml"),
        ("custom.github-workflows-require-timeout", "workflows/*.yml"),
        ("vendor.dependabot", "dependabot.yml"),
        ("vendor.github-issue-forms", "ISSUE_TEMPLATE/*.yml"),
        ("vendor.citation-file-format", "../CITATION.cff"),
    ],
)
def test_a_host_can_read_it(schema, pattern):
    files = sorted((PROJECT / ".github").glob(pattern))
    assert files
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema]
    result = subprocess.run([*command, *files], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_pythons_are_those_that_we_support():
    pyproject = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    supported = SpecifierSet(pyproject["project"]["requires-python"])
    everywhere = [f"3.{minor}" for minor in range(15) if f"3.{minor}" in supported]
    for job in ("linux", "macos", "windows"):
        assert JOBS[job]["strategy"]["matrix"]["python"] == everywhere


def test_each_system_runs_what_ci_run_runs():
    assert runs("linux") == [".ci/run"]
    assert runs("macos") + runs("lowest") == ci_run() == ["make test", "make verify", "make lowest"]
    windows = ["install.py --dev", "-m pytest", "-m pytest -m verify"]
    venv = ["python -m venv .venv"]
    assert runs("windows") == venv + [rf".venv\Scripts\python {words}" for words in windows]
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    for words in ("install.py ", "-m pytest ", "-m pytest -m verify "):
        assert f"$(PY) {words}" in makefile


def test_each_target_exists():
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    for line in [line for job in JOBS for line in runs(job) if line.startswith("make ")]:
        assert f"\n{line.split()[1]}:" in makefile, line


def test_it_may_only_read_and_pins_what_it_uses():
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in JOBS.values())
    uses = [step["uses"] for job in JOBS.values() for step in job["steps"] if "uses" in step]
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", action) for action in uses)

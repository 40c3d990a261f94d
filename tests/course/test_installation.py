"""The report of lesson 00: each thing that can be wrong is found, and comes with its cure."""

import sys
from importlib import metadata

import pytest
import torch

from ae_helpers.course import installation


def by_name():
    return {finding.name: finding for finding in installation.inspect_installation()}


def test_a_sound_installation_has_no_cure():
    findings = by_name()
    assert list(findings) == ["Python", "packages", "processor", "files"]
    assert not any(finding.cure for finding in findings.values())
    assert torch.__version__ in findings["packages"].found
    assert repr(findings["files"]) == "✓ files          can be written"


def test_an_old_python_is_named(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 1))
    assert repr(by_name()["Python"]) == (
        "✗ Python         3.9.1\n  cure: install Python 3.11 or newer"
    )


@pytest.mark.parametrize(
    ("found", "says"),
    [
        ("0.0.1", "0.0.1, needed papermill>="),
        (metadata.PackageNotFoundError, "missing, needed papermill>="),
    ],
)
def test_a_package_too_old_or_missing_is_named(monkeypatch, found, says):
    version = metadata.version

    def other(name):
        if name != "papermill":
            return version(name)
        if found is metadata.PackageNotFoundError:
            raise found(name)
        return found

    monkeypatch.setattr(metadata, "version", other)
    finding = by_name()["papermill"]
    assert finding.found.startswith(says)
    assert finding.cure.startswith('python -m pip install "papermill>=')


def test_a_torchvision_that_does_not_fit_is_named(monkeypatch):
    def misfit():
        raise ImportError("they don't fit together\nCure: install both")

    monkeypatch.setattr(installation, "torchvision_datasets", misfit)
    finding = by_name()["torchvision"]
    assert (finding.found, finding.cure) == ("they don't fit together", "install both")


def test_a_package_that_is_not_installed_at_all(monkeypatch):
    monkeypatch.setattr(installation, "PACKAGE", "no-such-package")
    assert by_name()["packages"].cure == "python -m pip install --no-deps -e ."


@pytest.mark.parametrize("device", ["cuda", "mps", "cpu"])
def test_the_processor_is_named(monkeypatch, device):
    monkeypatch.setattr(installation, "best_device", lambda: torch.device(device))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "A Good One")
    name = {"cuda": "GPU: A Good One", "mps": "GPU: Apple", "cpu": "CPU, threads: "}[device]
    assert by_name()["processor"].found.startswith(name)


def test_a_folder_that_cannot_be_written_is_named(monkeypatch):
    monkeypatch.setattr(installation.os, "access", lambda path, mode: False)
    assert "writable" in by_name()["files"].cure

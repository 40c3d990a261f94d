"""Is this installation sound? What lesson 00 asks, with a cure for each thing that is wrong."""

import os
import sys
from dataclasses import dataclass
from importlib import metadata

import torch
from packaging.requirements import Requirement

from ae_helpers.data.sources import torchvision_datasets
from ae_helpers.files import own_folder
from ae_helpers.training import best_device

PACKAGE = "sixty-four-numbers"


@dataclass(frozen=True)
class Finding:
    """One line of the report: what was looked at, what was found, and the cure if it is wrong."""

    name: str
    found: str
    cure: str = ""

    def __repr__(self) -> str:
        line = f"{'✗' if self.cure else '✓'} {self.name:14} {self.found}"
        return f"{line}\n  cure: {self.cure}" if self.cure else line


def inspect_installation() -> list[Finding]:
    """Look at Python, the packages, the processor and the folder for files; change nothing."""
    return [_python(), *_packages(), _processor(), _folder()]


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    old = sys.version_info < (3, 11)
    return Finding("Python", version, "install Python 3.11 or newer" if old else "")


def _packages() -> list[Finding]:
    """Compare what is installed with what the package asks for; one line if all is well."""
    try:
        needed = [Requirement(text) for text in metadata.requires(PACKAGE) or ()]
    except metadata.PackageNotFoundError:
        return [Finding("packages", "not installed", "python -m pip install --no-deps -e .")]
    wrong = []
    for requirement in needed:
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            version = "missing"
        if version == "missing" or not requirement.specifier.contains(version, prereleases=True):
            cure = f'python -m pip install "{requirement}"'
            wrong.append(Finding(requirement.name, f"{version}, needed {requirement}", cure))
    try:
        torchvision_datasets()
    except ImportError as error:
        found, _, cure = str(error).partition("\nCure: ")
        wrong.append(Finding("torchvision", found, cure))
    torch_pair = f"torch {torch.__version__}, torchvision {metadata.version('torchvision')}"
    return wrong or [Finding("packages", torch_pair)]


def _processor() -> Finding:
    device = best_device()
    if device.type == "cuda":
        return Finding("processor", f"GPU: {torch.cuda.get_device_name()}")
    if device.type == "mps":
        return Finding("processor", "GPU: Apple")
    return Finding("processor", f"CPU, threads: {torch.get_num_threads()}; enough for all of it")


def _folder() -> Finding:
    folder = own_folder("checkpoints")
    nearest = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if os.access(nearest, os.W_OK):
        return Finding("files", "can be written")
    return Finding("files", "nowhere to write", f"make {nearest} writable, or move the project")

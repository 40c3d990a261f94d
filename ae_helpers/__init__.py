"""The workshop behind the lessons of *Sixty-Four Numbers*.

Rooms, in the direction the data flows: ``data`` (images in), ``models`` (the autoencoder and its
shape ledger), ``training`` (one loop), then ``baselines`` and ``diagnostics`` (what an error
means), ``plots`` (pictures) and ``exercises`` (checks that name the mistake).
"""

__version__ = "0.1.0"

try:
    import torchvision as _torchvision  # noqa: F401
except RuntimeError as error:  # "operator torchvision::nms does not exist"
    raise ImportError(
        f"torch and torchvision come from different places and don't fit together ({error}).\n"
        "Cure: python -m pip install --force-reinstall torch torchvision   "
        "(both in one command, both from one index)"
    ) from None

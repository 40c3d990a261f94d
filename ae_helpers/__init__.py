"""The workshop behind the lessons of *Sixty-Four Numbers*.

Rooms, in the direction the data flows: ``data`` (images in), ``models`` (the autoencoder and its
shape ledger), ``training`` (one loop), then ``baselines`` and ``diagnostics`` (what an error
means), ``plots`` (pictures) and ``exercises`` (checks that name the mistake).
"""

__version__ = "0.1.0"

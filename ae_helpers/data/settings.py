"""Settings in whatever form they come: a number of NumPy, pandas or torch is a number."""

from typing import Any


def plain(value: Any) -> Any:
    """``np.int64(3)`` or ``torch.tensor(3)`` → ``3``, Python's own; anything else as it is.

    A checkpoint holds plain values only, and torch takes no others as seeds or sizes.
    """
    return value.item() if getattr(value, "ndim", None) == 0 else value


def is_whole(value: Any, low: int = 0) -> bool:
    """Whether a plain ``value`` is a whole number from ``low`` on; ``True`` is none."""
    return type(value) is int and value >= low


def is_number(value: Any) -> bool:
    """Whether a plain ``value`` is a number; ``True`` is none."""
    return type(value) in (int, float)

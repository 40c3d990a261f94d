"""What a run in a folder is recognised by, tomorrow and in another process: images, objective."""

import dis
import hashlib
import io
import operator
import pickle
import sys
import types
from typing import Any

from torch import Tensor

from ae_helpers.data import NAMES, ImageData


def pixels_of(data: ImageData) -> str:
    """A word for all training and test images: others have another one."""
    digest = hashlib.sha256()
    for images in (data.train_images, data.test_images):
        digest.update(images.detach().cpu().contiguous().numpy().data)
    return digest.hexdigest()[:16]


def pixels_before(dataset: str, now: str) -> str:
    """That word for a run from before it was kept: only of ``data.load``'s own is it known."""
    loaded = dataset.removesuffix("-sample") in NAMES and not dataset.startswith("coloured")
    return now if loaded else "unknown"


def name_of(objective: Any) -> str:
    """What to call an objective: by its name, or by its ``repr`` if it has none."""
    return getattr(objective, "__name__", repr(objective))


def recognised(objective: Any) -> str:
    """Its name, and for all but the package's own a word for what it does and what it holds.

    That is the code of a function with its defaults and the variables it sees, and what an object
    is made of. Functions and classes that it uses from other modules count by their names.

    Raises:
        ValueError: it can't be recognised.
    """
    kind = objective if isinstance(objective, types.FunctionType) else type(objective)
    if kind.__module__.startswith("ae_helpers."):
        return name_of(objective)
    name = getattr(objective, "__name__", kind.__name__)
    whole = io.BytesIO()
    try:
        _Content(whole, objective).dump(objective)
    except Exception as error:  # whatever somebody's objects raise
        raise ValueError(
            f"objective={name}: it couldn't be recognised when the run goes on ({error}); expected "
            "one that sees numbers, tensors and networks only. Leave the folder out, or change it."
        ) from error
    return f"{name} {hashlib.sha256(whole.getvalue()).hexdigest()[:16]}"


class _Content(pickle.Pickler):
    """Writes what a thing is made of, never to be read: functions as code, tensors as numbers."""

    def __init__(self, file: io.BytesIO, objective: Any):
        super().__init__(file, protocol=5)
        self.fast = True  # without notes of what is the same object, which would differ by chance
        self.objective, self.met = objective, set[int]()

    def reducer_override(self, thing: Any) -> Any:
        if isinstance(thing, types.ModuleType):
            return str, (thing.__name__,)
        if isinstance(thing, Tensor):
            return list, (str(thing.dtype), thing.detach().cpu().contiguous().numpy())
        if isinstance(thing, types.CodeType):
            # A set has another order in each process.
            constants = [sorted(c) if isinstance(c, frozenset) else c for c in thing.co_consts]
            return tuple, (thing.co_code, thing.co_names, constants)
        if not isinstance(thing, (types.FunctionType, type)) or (
            thing is not self.objective and _importable(thing)
        ):
            return NotImplemented
        if id(thing) in self.met:  # it calls itself
            return str, (thing.__qualname__,)
        self.met.add(id(thing))
        if isinstance(thing, type):
            own = {k: v for k, v in vars(thing).items() if k[:2] != "__" or callable(v)}
            return tuple, (thing.__bases__, own)
        held = [cell.cell_contents for cell in thing.__closure__ or ()]
        seen = {name: thing.__globals__.get(name) for name in _global_names(thing.__code__)}
        return tuple, (thing.__code__, thing.__defaults__, thing.__kwdefaults__, held, seen)


def _global_names(code: types.CodeType) -> list[str]:
    """The global variables that code reads, also in the functions inside it."""
    names = {i.argval for i in dis.get_instructions(code) if i.opname == "LOAD_GLOBAL"}
    inner = (const for const in code.co_consts if isinstance(const, types.CodeType))
    return sorted(names.union(*map(_global_names, inner)))


def _importable(thing: Any) -> bool:
    """Whether a new process finds the same by its name."""
    module = sys.modules.get(thing.__module__)
    if thing.__module__ == "__main__" or module is None:
        return False
    try:
        return operator.attrgetter(thing.__qualname__)(module) is thing
    except AttributeError:
        return False

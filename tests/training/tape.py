"""A CUDA graph on a CPU: a tape of operations, with the tensors that they read and wrote.

As with a graph, recording changes nothing, numbers of Python are kept as they were, and to replay
is to compute the same operations again, from what the same tensors hold by then into the same ones.
"""

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


def tensors(*values):
    return [value for value in tree_leaves(values) if isinstance(value, torch.Tensor)]


def places(*values):
    return {tensor.untyped_storage().data_ptr(): tensor.untyped_storage() for tensor in values}


class Tape(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.calls, self.made, self.before = [], set(), {}

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        found = places(*tensors(args, kwargs))
        for place, storage in found.items():
            if place not in self.made and place not in self.before:
                self.before[place] = storage, storage.clone()
        results = function(*args, **kwargs or {})
        new = [result for result in tensors(results) if not places(result).keys() & found.keys()]
        self.made |= places(*new).keys()
        self.calls.append((function, args, kwargs or {}, results, {id(result) for result in new}))
        return results

    def undo(self):
        for storage, values in self.before.values():
            storage.copy_(values)

    @torch.no_grad()
    def replay(self):
        for function, args, kwargs, results, new in self.calls:
            again = function(*args, **kwargs)
            for old, value in zip(tensors(results), tensors(again), strict=True):
                if id(old) in new:
                    old.detach().copy_(value)


class OnCpu:
    """Stands for `captured.Gpu`; counts what it does."""

    def __init__(self):
        self.refuses, self.done = False, []

    def warm_up(self, step):
        self.done.append("warm up")
        return step()

    def record(self, step):
        state = torch.get_rng_state()
        with Tape() as tape:
            step()
        tape.undo()
        torch.set_rng_state(state)
        self.done.append("record")
        return lambda: (self.done.append("replay"), tape.replay())

    def finish(self):
        self.done.append("finish")

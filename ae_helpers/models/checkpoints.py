"""Save a network so that it can be rebuilt, and refuse a file that isn't one."""

import io
import pickle
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from ae_helpers.files import replacing
from ae_helpers.models.backbone import Autoencoder, ordinary

FORMAT = "sixty-four-numbers 1"
Network = TypeVar("Network", bound=nn.Module)


def save(path: str | Path, model: nn.Module, **extra) -> None:
    """Write the weights of ``model``, what is needed to rebuild it, and ``extra``, at once.

    Args:
        path: the file, by custom ``*.pt``. It is replaced only when all is written.
        model: the network.
        extra: tensors, numbers, strings, and lists or dicts of them.

    Raises:
        OSError: the file can't be written.
    """
    content = {
        "format": FORMAT,
        "architecture": type(model).__name__,
        "options": getattr(model, "options", {}),
        "weights": {name: tensor.cpu() for name, tensor in model.state_dict().items()},
        **extra,
    }
    whole = io.BytesIO()  # torch's own writer wouldn't say that the disk is full
    torch.save(content, whole)
    with replacing(path) as temporary:
        temporary.write_bytes(whole.getbuffer())


def load(path: str | Path) -> dict:
    """Read a checkpoint back as the dict that ``save`` wrote, on the CPU.

    Only tensors and plain values are read (``weights_only=True``): a file that tries to run code
    when it is unpickled is refused.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the file is cut short, isn't a checkpoint of this project, or isn't safe.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"No checkpoint at {path}; expected a .pt file written by training. Train first: "
            "python -m ae_helpers train"
        )
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"{path} holds something else than tensors and plain values, and was not opened, "
            "because it could run code; expected a checkpoint written by training. "
            "Don't load it otherwise: train anew."
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError) as error:
        raise ValueError(
            f"{path} ({path.stat().st_size:,} bytes) can't be read; expected a whole checkpoint. "
            "It was probably cut short: delete it and train anew."
        ) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(
            f"{path} is not a checkpoint of this project; expected the format {FORMAT!r}. "
            "Delete it, or point to one that training wrote."
        )
    return content


def load_model(
    path: str | Path,
    kind: type[Network] = Autoencoder,  # type: ignore[assignment]  # unknown: a type's default
) -> Network:
    """Rebuild the network in a checkpoint, with its weights, in evaluation mode.

    Args:
        path: the file.
        kind: the network's class, which takes the options that it was saved with.

    Raises:
        FileNotFoundError, ValueError: as ``load``; or the checkpoint is of another architecture.
    """
    content = load(path)
    if content["architecture"] != kind.__name__:
        raise ValueError(
            f"{path} holds a network of class {content['architecture']!r}; expected "
            f"{kind.__name__!r}. Name its class, load_model(path, {content['architecture']}), or "
            "build it yourself, then call restore(model, checkpoint, path)."
        )
    with ordinary():
        model = kind(**content["options"])
    restore(model, content, path)
    return model.eval()


def restore(model: nn.Module, content: dict, path: str | Path) -> None:
    """Put the weights of a loaded checkpoint into ``model``.

    Raises:
        ValueError: the weights don't fit this architecture; the message names the first misfit.
    """
    mine, theirs = model.state_dict(), content["weights"]
    for name in sorted(mine.keys() | theirs.keys()):
        has, wants = (tuple(d[name].shape) if name in d else "nothing" for d in (theirs, mine))
        if has != wants:
            raise ValueError(
                f"{path} is from another architecture: it has {has} for {name!r}, this network "
                f"expects {wants}. Build the network with the options {content['options']}, or "
                "choose another checkpoint."
            )
    options = getattr(model, "options", content["options"])
    if content["options"] and options != content["options"]:  # the same shapes, another function
        raise ValueError(
            f"{path} is from another architecture: it was built with the options "
            f"{content['options']}, this network with {options}. Build it with the former, or "
            "choose another checkpoint."
        )
    model.load_state_dict(theirs)

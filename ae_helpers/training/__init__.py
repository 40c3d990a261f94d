"""Training: a loop, and what a person needs around it.

``loop`` is lesson 04's; ``fit`` adds progress, checkpoints and a stop button. ``runs`` is what a
training is on disk, ``distributed`` several processes at once; ``by_hand``, ``matrix_products`` and
``captured`` (on a GPU) are faster ways to make the same steps.
"""

from ae_helpers.training.fit import (
    QUICK,
    SHOWN,
    backbone_folder,
    batch_order,
    best_device,
    choose_steps,
    fit,
    plan,
    trained_backbone,
)
from ae_helpers.training.loop import reconstruction_error, train_steps
from ae_helpers.training.runs import History

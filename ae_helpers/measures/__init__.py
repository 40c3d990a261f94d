"""What a network is worth: its error, beside what costs nothing, and what its code is good for.

``errors`` is the MSE of every lesson; ``baselines`` and ``pca`` are the measuring sticks beside it;
``diagnostics`` tells a healthy network from a dead one; ``latent`` looks at codes, and
``applications`` damages, repairs and compresses images.
"""

from ae_helpers.measures.errors import (
    error_maps,
    evaluate,
    image_errors,
    in_pairs,
    reconstruct,
    worst_patch,
)

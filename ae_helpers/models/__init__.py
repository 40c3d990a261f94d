"""The networks: what goes in, what comes out, and how they are kept in files.

``backbone`` is the autoencoder of every lesson, ``any_shape`` the same for other images, ``vae`` a
variational one; ``checkpoints`` keeps them in files, ``shipped`` hands out those that come with the
package, trained.
"""

from ae_helpers.models.backbone import (
    Autoencoder,
    Decoder,
    Encoder,
    Paired,
    check_weights,
    count_parameters,
    in_evaluation,
    ledger,
    ordinary,
)

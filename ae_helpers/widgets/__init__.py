"""Explorers: a model and images in, one live widget out, that shows an idea on the reader's own.

``explorer``, ``controls`` and ``pictures`` are what they share; each of the other files holds
explorers that belong together.
"""

from ae_helpers.widgets.applications import damage_digit, set_threshold
from ae_helpers.widgets.architectures import architecture_picker
from ae_helpers.widgets.batch_mates import batch_mates
from ae_helpers.widgets.convolutions import size_rule, transposed_convolution
from ae_helpers.widgets.datasets import dataset_browser
from ae_helpers.widgets.digits import browse_digits
from ae_helpers.widgets.drawing import draw_digit
from ae_helpers.widgets.feature_maps import layer_xray
from ae_helpers.widgets.kernels import edit_kernel
from ae_helpers.widgets.latent import blend, keep_k, latent_sliders
from ae_helpers.widgets.reconstructions import before_after, time_machine
from ae_helpers.widgets.vae import beta_slider, vae_plane

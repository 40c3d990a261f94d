"""Pictures: tensors in, matplotlib Figure out, in one style; ``show`` puts one on the page."""

from ae_helpers.plots.applications import bits_and_errors, over_noise, roc
from ae_helpers.plots.architectures import over_numbers
from ae_helpers.plots.charts import (
    against,
    bars,
    by_layer,
    class_bars,
    curves,
    loss_curve,
    measuring_stick,
    seeds,
)
from ae_helpers.plots.datasets import matrix
from ae_helpers.plots.latent import distances, scatter, walks
from ae_helpers.plots.pictures import (
    before_after,
    epochs,
    feature_maps,
    heatmap,
    heatmaps,
    images,
    kernels,
    one_pixel,
    path,
)
from ae_helpers.plots.speed import gains, roofline, speeds
from ae_helpers.plots.style import png, show
from ae_helpers.plots.vae import beta_curve, clouds, one_number, rates

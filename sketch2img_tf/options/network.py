"""Options of the networks."""

from __future__ import annotations

import dataclasses

from sketch2img_tf.options.option import option


@dataclasses.dataclass(frozen=True)
class NetworkConfig:
    """The generator and the discriminator; a run keeps these for life."""

    base_width: int = option(64, "Channels of the first MRU of both networks.", lower=1, upper=512)
    generator_norm: str = option(
        "conditional_batch",
        "Normalisation in the generator: batch norm with a scale and shift per class, or with shared ones and what a"
        " class adds to them, plain batch, or instance norm.",
        choices=("conditional_batch", "conditional_residual", "batch", "instance"),
    )
    initial_features: str = option(
        "label",
        "What the encoder starts from: a learned plane per class, or 8 channels convolved from the sketch.",
        choices=("label", "sketch"),
    )
    upsampling: str = option(
        "transposed",
        "How the decoder doubles: 2x2 transposed convolutions, or nearest neighbours and a 3x3 convolution.",
        choices=("transposed", "resize"),
    )
    sketch_detail: str = option(
        "full",
        "Of what size the generator sees the sketch: a smaller one has no lines to be traced, only where they are.",
        choices=("full", "half", "quarter"),
    )
    discriminator_norm: str = option(
        "batch", "Normalisation in the discriminator, beside its kernels' spectral one.", choices=("batch", "none")
    )
    discriminator_head: str = option(
        "classifier",
        "How the discriminator takes account of classes: a head that tells them apart, or the product of its features"
        " with a vector of the class, which adds to what it says of real and fake (projection).",
        choices=("classifier", "projection"),
    )

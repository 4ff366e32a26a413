"""Options of the networks."""

from __future__ import annotations

import dataclasses

from sketch2img_tf.options.option import option


@dataclasses.dataclass(frozen=True)
class NetworkConfig:
    """The generator and the discriminator; these options cannot change during a run."""

    base_width: int = option(64, "Channels of the first MRU of both networks.", lower=1, upper=512)
    generator_norm: str = option(
        "conditional_batch",
        "Normalisation in the generator: batch norm with a scale and shift per class; the same,"
        " with values that all"
        " classes share and a class adds to; plain batch norm; or instance norm.",
        choices=("conditional_batch", "conditional_residual", "batch", "instance"),
    )
    initial_features: str = option(
        "label",
        "First input of the encoder: a learned plane per class, or 8 channels convolved from the"
        " sketch.",
        choices=("label", "sketch"),
    )
    upsampling: str = option(
        "transposed",
        "Upsampling in the decoder: a 2x2 transposed convolution, or nearest neighbours and a 3x3"
        " convolution.",
        choices=("transposed", "resize"),
    )
    sketch_detail: str = option(
        "full",
        "Resolution of the sketch for the generator; below full it knows where lines are, but"
        " cannot trace them.",
        choices=("full", "half", "quarter"),
    )
    noise: str = option(
        "spatial",
        "The generator's noise: different at each place of the bottleneck, or one vector for the"
        " whole picture.",
        choices=("spatial", "vector"),
    )
    discriminator_norm: str = option(
        "batch",
        "Normalisation in the discriminator, besides spectral normalisation.",
        choices=("batch", "none"),
    )
    discriminator_head: str = option(
        "classifier",
        "How the discriminator uses classes: with a head that classifies, or with the product of"
        " its features and a"
        " vector of the class, which is added to the logit for real and fake (projection).",
        choices=("classifier", "projection"),
    )

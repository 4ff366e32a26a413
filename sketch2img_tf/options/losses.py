"""Options of the losses."""

from __future__ import annotations

import dataclasses

from sketch2img_tf.options.option import AUGMENTATIONS, option


@dataclasses.dataclass(frozen=True)
class LossConfig:
    """The losses and the critic. A loss of weight 0 is not computed."""

    gan_weight: float = option(1.0, "Weight of the adversarial loss.", lower=0)
    gan_loss: str = option(
        "cross_entropy", "Form of the adversarial loss.", choices=("cross_entropy", "hinge")
    )
    classification_weight: float = option(1.0, "Weight of the class cross entropy.", lower=0)
    focal_gamma: float = option(
        0.0,
        "Gamma of the focal loss, which weighs hard examples more in the class cross entropy; 0:"
        " off.",
        lower=0,
    )
    dragan_weight: float = option(10.0, "Weight of the DRAGAN gradient penalty.", lower=0)
    dragan_every_steps: int = option(
        1, "Compute the gradient penalties every N steps only, with N times the weight.", lower=1
    )
    r1_weight: float = option(
        0.0, "Weight of the R1 gradient penalty at real photos, with or without DRAGAN's.", lower=0
    )
    supervised_weight: float = option(1.0, "Weight of the L1 distance to the real photo.", lower=0)
    unaligned_supervised_fraction: float = option(
        1.0,
        "Factor of --supervised_weight for sketches drawn from memory, whose lines do not lie on"
        " the photo.",
        lower=0,
        upper=1,
    )
    perceptual_weight: float = option(
        1.0, "Weight of the L1 distance between network features.", lower=0
    )
    diversity_weight: float = option(
        1.0,
        "Weight of the diversity loss, which rewards different pictures for different noise.",
        lower=0,
    )
    diversity: str = option(
        "distance",
        "Form of the diversity loss: the distance of two pictures, or this over the distance of"
        " their noises (slope).",
        choices=("distance", "slope"),
    )
    supervision: str = option(
        "first_draw",
        "What the L1 and the perceptual loss measure: the distance of one picture to its photo, or"
        " the energy score of"
        " two pictures with different noise: their mean distance to the photo, less half their"
        " distance to each other.",
        choices=("first_draw", "energy_score"),
    )
    label_smoothing: float = option(
        0.0, "The discriminator's target for real is 1 minus this.", lower=0, upper=0.5
    )
    label_noise: float = option(
        0.0,
        "The discriminator's targets move away from 0 and 1 by a random amount of up to this.",
        lower=0,
        upper=0.5,
    )
    label_flip_probability: float = option(
        0.0,
        "Probability that an example of the discriminator has the wrong target.",
        lower=0,
        upper=0.5,
    )
    perceptual_network: str = option(
        "InceptionV3",
        "Network of tf.keras.applications, or EfficientNetLite0, whose features the perceptual loss"
        " compares.",
        choices=("InceptionV3", "InceptionResNetV2", "MobileNet", "EfficientNetLite0"),
    )
    perceptual_layers: tuple[str, ...] = option(
        (),
        "Layers of --perceptual_network, by name or as activation:N, the N-th activation from 0;"
        " empty: a good choice.",
    )
    perceptual_size: int = option(
        0,
        "Side of the pictures for --perceptual_network, in pixels; 0: the size of its training.",
        lower=0,
    )
    perceptual_weights: str = option(
        "imagenet",
        "Weights of --perceptual_network: imagenet, a file (.h5 without top, or .npz), or random.",
        path=True,
    )
    perceptual_scaling: str = option(
        "auto",
        "Divide each layer's distance by the standard deviation of its outputs (deviation) or not"
        " (none); auto: only for EfficientNetLite0, whose outputs are large.",
        choices=("auto", "none", "deviation"),
    )
    critic: str = option(
        "none",
        "A critic, with or without the discriminator: trained heads on the features of a pretrained"
        " network.",
        choices=("none", "pretrained"),
    )
    critic_weight: float = option(
        0.25, "Weight of the critic's hinge loss, which is a sum over four scales.", lower=0
    )
    critic_network: str = option(
        "MobileNet", "Pretrained network of the critic.", choices=("MobileNet", "EfficientNetLite0")
    )
    critic_size: int = option(
        0,
        "Side of the pictures for --critic_network, in pixels; 0: the size of its training.",
        lower=0,
    )
    critic_weights: str = option(
        "imagenet",
        "Weights of --critic_network: imagenet, a file (.h5 without top, or .npz), or random.",
        path=True,
    )
    critic_diffaugment: tuple[str, ...] = option(
        (), "Differentiable augmentation of all that the critic sees.", choices=AUGMENTATIONS
    )

    @property
    def penalties(self) -> list[str]:
        """The names of the discriminator's gradient penalties, as of its terms."""
        return [
            name
            for name, weight in (("dragan", self.dragan_weight), ("r1", self.r1_weight))
            if weight > 0
        ]

    @property
    def noise_draws(self) -> int:
        """How many pictures a step draws of each sketch: two if any loss compares them."""
        supervised = self.supervised_weight or self.perceptual_weight
        return (
            2 if self.diversity_weight or (self.supervision == "energy_score" and supervised) else 1
        )

    @property
    def critic_counts(self) -> bool:
        """Whether there is a critic with a weight above 0."""
        return self.critic != "none" and self.critic_weight > 0

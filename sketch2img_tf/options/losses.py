"""Options of the losses."""

from __future__ import annotations

import dataclasses

from sketch2img_tf.options.option import AUGMENTATIONS, option


@dataclasses.dataclass(frozen=True)
class LossConfig:
    """The six losses, and the critic's. A weight of 0 switches a loss off, and its cost with it."""

    gan_weight: float = option(1.0, "Weight of the adversarial loss.", lower=0)
    gan_loss: str = option(
        "cross_entropy", "What the adversarial loss is made of.", choices=("cross_entropy", "hinge")
    )
    classification_weight: float = option(1.0, "Weight of the class cross entropy.", lower=0)
    focal_gamma: float = option(0.0, "Focusing of the class cross entropy on hard examples; 0: none.", lower=0)
    dragan_weight: float = option(10.0, "Weight of the DRAGAN gradient penalty.", lower=0)
    dragan_every_steps: int = option(1, "Penalties are computed every N steps, and count N times then.", lower=1)
    r1_weight: float = option(
        0.0, "Weight of the R1 gradient penalty, at real photos, beside DRAGAN's or in its place.", lower=0
    )
    supervised_weight: float = option(1.0, "Weight of the L1 distance to the real photo.", lower=0)
    unaligned_supervised_fraction: float = option(
        1.0,
        "It counts for this share of that for sketches drawn from memory, whose lines do not lie on their photo.",
        lower=0,
        upper=1,
    )
    perceptual_weight: float = option(1.0, "Weight of the L1 distance between network features.", lower=0)
    diversity_weight: float = option(1.0, "Weight of the reward for pictures that follow the noise.", lower=0)
    diversity: str = option(
        "distance", "Distance of two pictures, over that of their noises (slope) or not.", choices=("distance", "slope")
    )
    supervision: str = option(
        "first_draw",
        "What the L1 and the perceptual loss take: the distance of one picture of a sketch to its photo, or the energy"
        " score of two, with other noise each: their mean distance to it, less half of that to each other.",
        choices=("first_draw", "energy_score"),
    )
    label_smoothing: float = option(0.0, "The discriminator's target for real is 1 minus this.", lower=0, upper=0.5)
    label_noise: float = option(0.0, "Its targets are moved inwards by up to this, at random.", lower=0, upper=0.5)
    label_flip_probability: float = option(0.0, "Share of its examples told the wrong way.", lower=0, upper=0.5)
    perceptual_network: str = option(
        "InceptionV3",
        "Network of tf.keras.applications, or EfficientNetLite0, whose features are compared.",
        choices=("InceptionV3", "InceptionResNetV2", "MobileNet", "EfficientNetLite0"),
    )
    perceptual_layers: tuple[str, ...] = option(
        (), "Its layers, by name or as activation:N, the N-th activation counted from 0; empty for a good choice."
    )
    perceptual_size: int = option(0, "Pictures are resized to this many pixels for it; 0: its own.", lower=0)
    perceptual_weights: str = option(
        "imagenet", "imagenet, a weights file (.h5, no top; or .npz), or random.", path=True
    )
    perceptual_scaling: str = option(
        "auto",
        "Distances as they are, or each layer's over its deviation; auto: so where they are large, in"
        " EfficientNetLite0.",
        choices=("auto", "none", "deviation"),
    )
    critic: str = option(
        "none",
        "A critic beside the discriminator, or in its place: heads that judge what a pretrained network sees.",
        choices=("none", "pretrained"),
    )
    critic_weight: float = option(0.25, "Weight of its hinge loss, a sum over four scales.", lower=0)
    critic_network: str = option(
        "MobileNet", "The network that it sees by.", choices=("MobileNet", "EfficientNetLite0")
    )
    critic_size: int = option(0, "Pictures are resized to this many pixels for it; 0: its own.", lower=0)
    critic_weights: str = option(
        "imagenet", "Weights of that network: imagenet, a file (.h5, no top; or .npz), or random.", path=True
    )
    critic_diffaugment: tuple[str, ...] = option(
        (), "Differentiable augmentation of all that the critic sees.", choices=AUGMENTATIONS
    )

    @property
    def penalties(self) -> list[str]:
        """The gradient penalties that the discriminator has, as its terms are named."""
        return [name for name, weight in (("dragan", self.dragan_weight), ("r1", self.r1_weight)) if weight > 0]

    @property
    def noise_draws(self) -> int:
        """How many pictures of a sketch a step makes: two if any loss compares them."""
        supervised = self.supervised_weight or self.perceptual_weight
        return 2 if self.diversity_weight or (self.supervision == "energy_score" and supervised) else 1

    @property
    def critic_counts(self) -> bool:
        """Whether there is a critic, and its weight is not 0."""
        return self.critic != "none" and self.critic_weight > 0

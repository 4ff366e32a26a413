"""The losses: pure functions of predictions, one value per example, no weight and no reduction.

Every function returns float32 [B]; the train step takes the mean over the global batch and applies
the weights. Logits and pictures are float32, because the last layers of both networks are. Pictures
are normalised, [B, S, S, 3].

The report writes its classification loss as a log-likelihood, with different signs for the two
networks. We take it as the cross entropy, added to the losses of both networks, as in "Conditional
Image Synthesis with Auxiliary Classifier GANs" (Odena et al., 2017, L_C). The discriminator's cross
entropy is that of real photos only, as in the report's formula. Differs from Odena et al., and from
the training script in the report's code: their discriminator also classifies generated pictures.

Differs from the report in notation: its L1 norms are means over pixels and channels here, as they
are in its code.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

EPSILON = 1e-12  # in a root or a power: finite gradients for equal noises and for certain classes


def adversarial(logits: tf.Tensor, targets: tf.Tensor | float) -> tf.Tensor:
    """Binary cross entropy of logits [B] with targets in [0, 1], [B] or one for all; 1 is real.

    Goodfellow et al., "Generative Adversarial Nets", 2014: equation 1 for the discriminator; for
    the generator, with the target 1, the non-saturating form at the end of section 3. Differs from
    the report's formula, in which the generator minimises log(1 - D); the report's code uses the
    target 1 as we do.
    """
    targets = tf.broadcast_to(tf.cast(targets, tf.float32), tf.shape(logits))
    return tf.nn.sigmoid_cross_entropy_with_logits(targets, logits)


def hinge(logits: tf.Tensor, targets: tf.Tensor | float) -> tf.Tensor:
    """t max(0, 1 - logit) + (1 - t) max(0, 1 + logit), the discriminator's hinge loss.

    The arguments are as for `adversarial`.

    Lim and Ye, "Geometric GAN", 2017; Miyato et al., "Spectral Normalization for GANs", 2018,
    equation 16. Differs from them in that a target between 0 and 1 mixes the two hinges, as it does
    the two logarithms of the cross entropy.
    """
    targets = tf.cast(targets, tf.float32)
    return targets * tf.nn.relu(1.0 - logits) + (1.0 - targets) * tf.nn.relu(1.0 + logits)


def hinge_generator(fake_logits: tf.Tensor) -> tf.Tensor:
    """Minus the logit: the generator's side of `hinge`. Miyato et al., 2018, equation 17."""
    return -fake_logits


def over_scales(values: list[tf.Tensor]) -> tf.Tensor:
    """The sum over scales of the mean over the positions of a scale; values are [B, H, W].

    Sauer et al., "Projected GANs Converge Faster", 2021, the objective of several discriminators.
    """
    return tf.add_n([tf.reduce_mean(of_scale, [1, 2]) for of_scale in values])


def classification(
    class_logits: tf.Tensor, labels: tf.Tensor, focal_gamma: float = 0.0
) -> tf.Tensor:
    """Cross entropy of class logits [B, K] with labels, int [B]; its sign: see the module.

    A `focal_gamma` above 0 multiplies it by (1 - p)^gamma, where p is the probability of the label,
    so that easy examples count less. Lin et al., "Focal Loss for Dense Object Detection", 2017,
    equation 4; SketchyGAN uses it with gamma 2.
    """
    cross_entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, class_logits)
    if not focal_gamma:
        return cross_entropy
    # 1 - p, without cancellation near p = 1. At 0 a power below 1 would have an infinite gradient.
    doubt = tf.maximum(-tf.math.expm1(-cross_entropy), EPSILON)
    return doubt**focal_gamma * cross_entropy


def supervised(fake_photos: tf.Tensor, real_photos: tf.Tensor) -> tf.Tensor:
    """Mean absolute difference of pixels and channels: L_sup of Chen and Hays, SketchyGAN, 2018."""
    return _mean_distance(fake_photos, real_photos)


def perceptual(
    fake_features: list[tf.Tensor], real_features: list[tf.Tensor], units: Sequence[float] = ()
) -> tf.Tensor:
    """Sum over layers of the mean absolute difference of features [B, H, W, C]. SketchyGAN, L_p.

    `networks.perceptual.look` says which network the features are from. With `units`, one per
    layer, each layer's difference is divided by its unit, so that no layer dominates the sum.
    """
    distances = [_mean_distance(fake, real) for fake, real in zip(fake_features, real_features)]
    return tf.add_n(
        [distance / unit for distance, unit in zip(distances, units or [1.0] * len(distances))]
    )


def energy_score(to_real: tf.Tensor, other_to_real: tf.Tensor, between: tf.Tensor) -> tf.Tensor:
    """(d(X, y) + d(X', y)) / 2 - d(X, X') / 2 for two pictures X and X' of one sketch with photo y.

    It is an unbiased estimate of E d(X, y) - E d(X, X') / 2. Gneiting and Raftery, "Strictly Proper
    Scoring Rules, Prediction, and Estimation", 2007, section 4.3: this has its minimum where the
    pictures of a sketch have the same distribution as its photos. The first term alone has its
    minimum where every picture is the median of the photos.

    Differs from the paper: the distances here are `supervised` and `perceptual`, which are sums of
    absolute differences, not Euclidean distances. So this is the sum of the scores of single pixels
    and features (section 4.2), and does not depend on their correlations.

    Args:
      to_real, other_to_real: d(X, y) and d(X', y), float32 [B].
      between: d(X, X'), float32 [B].
    """
    return 0.5 * (to_real + other_to_real - between)


def diversity(
    photos: tf.Tensor, other_photos: tf.Tensor, noise: tf.Tensor, other_noise: tf.Tensor
) -> tf.Tensor:
    """Minus the mean absolute difference of a sketch's two pictures, over their noises' distance.

    The noises are [B, ...]. The report calls this "the negative slope", but its formula has no
    division: see `diversity_distance`. Differs from the report's code, which divides by the
    distance over the noise's channels only: 1/8 of this distance, at 8x8 positions.
    """
    squares = tf.reduce_sum(tf.square(noise - other_noise), tf.range(1, tf.rank(noise)))
    return diversity_distance(photos, other_photos) / tf.sqrt(squares + EPSILON)


def diversity_distance(photos: tf.Tensor, other_photos: tf.Tensor) -> tf.Tensor:
    """Minus the mean absolute difference of two pictures of one sketch, -|G(x, z1) - G(x, z2)|_1.

    L_div as the report and SketchyGAN print it. Differs from the code of both, which divides by the
    distance of the noises: see `diversity`.
    """
    return -_mean_distance(photos, other_photos)


def _mean_distance(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    difference = tf.abs(tf.cast(a, tf.float32) - tf.cast(b, tf.float32))
    return tf.reduce_mean(difference, tf.range(1, tf.rank(difference)))

"""The losses: pure functions of predictions, one value per example, no weight and no reduction.

Every function gives float32 [B]; the train step takes the mean over the global batch and applies the weights. Logits
and pictures are expected in float32: the last layers of both networks are. Pictures are normalised, [B, S, S, 3].

The report writes its classification loss as a log-likelihood with signs that disagree between the two networks. What is
meant, here and in "Conditional Image Synthesis with Auxiliary Classifier GANs" (Odena et al., 2017, L_C), is the cross
entropy, added to both. The discriminator's is of real photos alone, as the report's formula has it. Differs from Odena
et al., and from the training script in the report's code, which have that of generated pictures in it as well.

Differs from the report in notation: its L1 norms are means here, over pixels and channels, as they are in its code.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

EPSILON = 1e-12  # under a root or a power: equal noises, and classes that are certain, have a finite gradient


def adversarial(logits: tf.Tensor, targets: tf.Tensor | float) -> tf.Tensor:
    """Binary cross entropy of logits [B] with targets in [0, 1], [B] or one for all; 1 is real.

    Goodfellow et al., "Generative Adversarial Nets", 2014: equation 1 for the discriminator; for the generator, with
    the target 1, the non-saturating form at the end of section 3. Differs from the report's formula, in which the
    generator minimises log(1 - D); its code trains it with the target 1 as well.
    """
    targets = tf.broadcast_to(tf.cast(targets, tf.float32), tf.shape(logits))
    return tf.nn.sigmoid_cross_entropy_with_logits(targets, logits)


def hinge(logits: tf.Tensor, targets: tf.Tensor | float) -> tf.Tensor:
    """t max(0, 1 - logit) + (1 - t) max(0, 1 + logit), the discriminator's hinge loss; arguments as `adversarial`.

    Lim and Ye, "Geometric GAN", 2017; Miyato et al., "Spectral Normalization for GANs", 2018, equation 16. Differs from
    them in that a target between 0 and 1 mixes the two hinges, as it does the two logarithms of the cross entropy.
    """
    targets = tf.cast(targets, tf.float32)
    return targets * tf.nn.relu(1.0 - logits) + (1.0 - targets) * tf.nn.relu(1.0 + logits)


def hinge_generator(fake_logits: tf.Tensor) -> tf.Tensor:
    """Minus the logit: the generator's side of `hinge`. Miyato et al., 2018, equation 17."""
    return -fake_logits


def over_scales(values: list[tf.Tensor]) -> tf.Tensor:
    """The sum over scales of the mean over a scale's places, of values [B, H, W].

    Sauer et al., "Projected GANs Converge Faster", 2021, the objective of several discriminators.
    """
    return tf.add_n([tf.reduce_mean(of_scale, [1, 2]) for of_scale in values])


def classification(class_logits: tf.Tensor, labels: tf.Tensor, focal_gamma: float = 0.0) -> tf.Tensor:
    """Cross entropy of class logits [B, K] with labels, int [B]; see the head of this file for the sign.

    A `focal_gamma` above 0 multiplies it by (1 - p)^gamma, p being the probability of the label: what is known well
    counts less. Lin et al., "Focal Loss for Dense Object Detection", 2017, equation 4; SketchyGAN has it with gamma 2.
    """
    cross_entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, class_logits)
    if not focal_gamma:
        return cross_entropy
    # 1 - p, without the cancellation near p = 1; at 0 itself a power below 1 would have an endless slope.
    doubt = tf.maximum(-tf.math.expm1(-cross_entropy), EPSILON)
    return doubt**focal_gamma * cross_entropy


def supervised(fake_photos: tf.Tensor, real_photos: tf.Tensor) -> tf.Tensor:
    """Mean absolute difference over pixels and channels. Chen and Hays, "SketchyGAN", 2018, L_sup."""
    return _mean_distance(fake_photos, real_photos)


def perceptual(
    fake_features: list[tf.Tensor], real_features: list[tf.Tensor], units: Sequence[float] = ()
) -> tf.Tensor:
    """Sum over layers of the mean absolute difference of features [B, H, W, C]. SketchyGAN, L_p.

    Which network's: see `networks.perceptual.look`. With `units`, one per layer, each layer's difference is over its
    unit, so that none speaks louder than the others.
    """
    distances = [_mean_distance(fake, real) for fake, real in zip(fake_features, real_features)]
    return tf.add_n([distance / unit for distance, unit in zip(distances, units or [1.0] * len(distances))])


def energy_score(to_real: tf.Tensor, other_to_real: tf.Tensor, between: tf.Tensor) -> tf.Tensor:
    """(d(X, y) + d(X', y)) / 2 - d(X, X') / 2 of two pictures of one sketch and its photo y, from the three distances.

    Gneiting and Raftery, "Strictly Proper Scoring Rules, Prediction, and Estimation", 2007, section 4.3: what it
    estimates without bias, E d(X, y) - E d(X, X') / 2, is least where pictures are spread as photos of the sketch are.
    The first term alone is least where all are the median of these.

    Differs from it: the distances here are `supervised` and `perceptual`, sums of absolute differences, not Euclidean.
    So it is the score of every pixel and feature by itself (section 4.2), which does not see how they go together.

    Args:
      to_real, other_to_real: d(X, y) and d(X', y), float32 [B].
      between: d(X, X'), float32 [B].
    """
    return 0.5 * (to_real + other_to_real - between)


def diversity(photos: tf.Tensor, other_photos: tf.Tensor, noise: tf.Tensor, other_noise: tf.Tensor) -> tf.Tensor:
    """Minus the mean absolute difference of two pictures of one sketch over the distance of their noises [B, ...].

    "The negative slope" in the words of the report, whose formula has no division: see `diversity_distance`. Differs
    from its code, which divides by the distance over the noise's channels alone: an eighth of this, at 8x8 places.
    """
    squares = tf.reduce_sum(tf.square(noise - other_noise), tf.range(1, tf.rank(noise)))
    return diversity_distance(photos, other_photos) / tf.sqrt(squares + EPSILON)


def diversity_distance(photos: tf.Tensor, other_photos: tf.Tensor) -> tf.Tensor:
    """Minus the mean absolute difference of two pictures of one sketch, -|G(x, z1) - G(x, z2)|_1.

    L_div as the report prints it, and SketchyGAN. Differs from the code of both, which divides: see `diversity`.
    """
    return -_mean_distance(photos, other_photos)


def _mean_distance(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    difference = tf.abs(tf.cast(a, tf.float32) - tf.cast(b, tf.float32))
    return tf.reduce_mean(difference, tf.range(1, tf.rank(difference)))

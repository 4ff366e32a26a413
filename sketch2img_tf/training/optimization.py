"""How the networks' weights move: Adam, its rate over the steps, and the length of a gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf

from sketch2img_tf.devices import precision

if TYPE_CHECKING:
    from sketch2img_tf.config import TrainingConfig

EPSILON = 1e-8  # the paper's, and that of the report's code; Keras' own is 1e-7


def make_adam(learning_rate: float, training: TrainingConfig) -> tf.keras.optimizers.Optimizer:
    """Adam with the configured betas, clipping by `--gradient_clip_norm`, and loss scaling where float16 needs it.

    Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015, with the epsilon of the end of section 2, which
    is not corrected for the start. Differs in that from PyTorch's, the report's, whose epsilon weighs less in the
    first steps.

    Under replicas Keras clips what they have summed: the gradient of the global batch.
    """
    adam = _Adam(
        learning_rate,
        beta_1=training.adam_beta_1,
        beta_2=training.adam_beta_2,
        epsilon=EPSILON,
        global_clipnorm=training.gradient_clip_norm or None,
        jit_compile=False,
    )
    return precision.scaling(adam, training.precision)


class _Adam(tf.keras.optimizers.Adam):
    """Keras' own, each variable moved by one operation in one pass through memory, not by a dozen.

    Differs from it: gradients are whole tensors, see `dense`.
    """

    def update_step(self, gradient, variable):
        index = self._index_dict[self._var_key(variable)]
        steps = tf.cast(self.iterations + 1, tf.float32)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].handle,
            v=self._velocities[index].handle,
            beta1_power=self.beta_1**steps,
            beta2_power=self.beta_2**steps,
            lr=tf.cast(self.learning_rate, tf.float32),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=gradient,
        )


def learning_rate_factor(steps_done: tf.Tensor, training: TrainingConfig) -> tf.Tensor:
    """The share of the learning rates that the next step has, float32 [].

    1 up to step `--decay_start_step`; from there in a straight line to `--final_learning_rate_fraction`, which the
    last step has; a configuration tells that one when it is `in_steps`.
    """
    start, end = training.decay_start_step, training.train_steps
    decayed = tf.cast(steps_done + 1 - start, tf.float32) / float(end - start)
    return 1.0 - (1.0 - training.final_learning_rate_fraction) * tf.clip_by_value(decayed, 0.0, 1.0)


def dense(gradients: list) -> list:
    """Gradients as whole tensors, None as it is.

    An embedding's gradient comes as one row per example: as long as a batch has examples, which only running tells and
    a TPU has to know before, and not as long, in the sense of a norm, as the sum that it stands for.
    """
    return [None if gradient is None else tf.convert_to_tensor(gradient) for gradient in gradients]

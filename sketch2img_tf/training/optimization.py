"""The optimizer of the networks: Adam, and the decay of its learning rate."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import tensorflow as tf

from sketch2img_tf.devices import precision

if TYPE_CHECKING:
    from sketch2img_tf.config import TrainingConfig

EPSILON = 1e-8  # the paper's, and that of the report's code; Keras' own is 1e-7


def make_adam(learning_rate: float, training: TrainingConfig) -> tf.keras.optimizers.Optimizer:
    """Adam with the configured betas, clipping (`--gradient_clip_norm`), and float16 loss scaling.

    Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015, in the form at the end of
    section 2, whose epsilon has no bias correction. Differs from PyTorch's Adam, which the report
    uses: there epsilon weighs less in the first steps.

    With several replicas Keras clips the summed gradient, which is that of the global batch.
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
    """Keras' Adam with one fused operation per variable: one pass through memory, not a dozen.

    Differs from Keras' Adam: gradients are dense tensors, see `dense`.
    """

    def _distributed_apply_gradients_fn(self, distribution, grads_and_vars, **options):
        # What is the same for all variables is computed once: the graph is sooner ready
        steps = tf.cast(self.iterations + 1, tf.float32)
        self._apply = functools.partial(
            tf.raw_ops.ResourceApplyAdam,
            beta1_power=self.beta_1**steps,
            beta2_power=self.beta_2**steps,
            lr=tf.cast(self.learning_rate, tf.float32),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
        )
        return super()._distributed_apply_gradients_fn(distribution, grads_and_vars, **options)

    def update_step(self, gradient, variable):
        index = self._index_dict[self._var_key(variable)]
        moments = self._momentums[index].handle, self._velocities[index].handle
        self._apply(var=variable.handle, m=moments[0], v=moments[1], grad=gradient)


def learning_rate_factor(steps_done: tf.Tensor, training: TrainingConfig) -> tf.Tensor:
    """The factor of the learning rates in the next step, float32 [].

    It is 1 up to step `--decay_start_step`, and then falls linearly to
    `--final_learning_rate_fraction` at the last step. `training.train_steps` has to be the number
    of the last step, as `Config.in_steps` makes it.
    """
    start, end = training.decay_start_step, training.train_steps
    decayed = tf.cast(steps_done + 1 - start, tf.float32) / float(end - start)
    return 1.0 - (1.0 - training.final_learning_rate_fraction) * tf.clip_by_value(decayed, 0.0, 1.0)


def dense(gradients: list) -> list:
    """Gradients as dense tensors; None stays None.

    The gradient of an embedding is an IndexedSlices with one row per example. IndexedSlices have a
    dynamic length, which TPUs refuse; and the norm of their rows is not the norm of the gradient,
    because rows of the same class must be summed first.
    """
    return [None if gradient is None else tf.convert_to_tensor(gradient) for gradient in gradients]

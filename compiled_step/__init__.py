"""A run's compiled step on a machine that has JAX and no TensorFlow; see docs/compiled_step.md."""

"""Which devices a training runs on, and how several workers act as one.

https://www.tensorflow.org/guide/distributed_training
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from collections.abc import Iterator

import tensorflow as tf

from sketch2img_tf.errors import UserError

_EXAMPLE = (
    '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'
)


def make_strategy(name: str, tpu: str = "") -> tf.distribute.Strategy:
    """The `tf.distribute` strategy of a `--strategy`; "auto" mirrors if there are several GPUs.

    Args:
      name: "auto", "one_device", "mirrored", "multi_worker" (the environment variable TF_CONFIG
        says which worker this is) or "tpu".
      tpu: name or address of the TPU; "" for this machine's own.

    Raises:
      UserError: TF_CONFIG is missing or malformed, or there is no such TPU.
    """
    if name == "multi_worker":
        workers, index = _cluster()
        print(
            f"worker {index}: waiting until all of {', '.join(workers)} are there", file=sys.stderr
        )
        return tf.distribute.MultiWorkerMirroredStrategy()
    if name == "tpu":
        return _tpu(tpu)
    gpus = tf.config.list_logical_devices("GPU")
    if name == "mirrored" or (name == "auto" and len(gpus) > 1):
        return tf.distribute.MirroredStrategy()
    return tf.distribute.OneDeviceStrategy("/gpu:0" if gpus else "/cpu:0")


def check(name: str) -> None:
    """Raises a UserError if a `--strategy` value needs TF_CONFIG and it is not that of a worker."""
    if name == "multi_worker":
        _cluster()


def expected_replicas(name: str) -> int:
    """How many replicas a `--strategy` value will have, as far as known before a device is used.

    It is 1 for a TPU, of which nothing is known, and assumes that other workers have as many GPUs
    as this one.
    """
    devices = max(1, len(tf.config.list_physical_devices("GPU")))
    if name == "multi_worker":
        return len(_cluster()[0]) * devices
    return devices if name in ("auto", "mirrored") else 1


def is_first(name: str) -> bool:
    """Whether this process is the worker that writes the run's files."""
    return name != "multi_worker" or _cluster()[1] == 0


def _cluster() -> tuple[list[str], int]:
    """The workers' addresses, and this worker's index."""
    text = os.environ.get("TF_CONFIG", "")
    if not text:
        raise UserError(
            f"--strategy=multi_worker needs TF_CONFIG in the environment, such as {_EXAMPLE}"
        )
    try:
        config = json.loads(text)
        workers, task = config["cluster"]["worker"], config["task"]
        kind, index = task["type"], int(task["index"])
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"TF_CONFIG is malformed ({error!r}); it should be like {_EXAMPLE}"
        ) from None
    if not isinstance(workers, list) or not all(isinstance(worker, str) for worker in workers):
        raise UserError(f"TF_CONFIG: the workers should be a list of host:port, such as {_EXAMPLE}")
    if kind != "worker" or not 0 <= index < len(workers):
        raise UserError(
            f"TF_CONFIG: task {kind} {index}: there are {len(workers)} workers, and their tasks are"
            f" worker 0 to worker {len(workers) - 1}"
        )
    return workers, index


@contextlib.contextmanager
def all_workers_there() -> Iterator[None]:
    """Turns TensorFlow's errors about a worker that is gone into a UserError."""
    try:
        yield
    except (
        tf.errors.UnavailableError,
        tf.errors.AbortedError,
        tf.errors.DeadlineExceededError,
    ) as error:
        raise UserError(
            f"another worker has ended ({_reason(error)}); start all workers again: they go on from"
            " the last checkpoint"
        ) from error


def _reason(error: tf.errors.OpError) -> str:
    """Which worker does not answer, from TensorFlow's long message; otherwise its first line."""
    silent = re.search(r"remote target /job:worker/replica:\d+/task:(\d+)", str(error))
    return (
        f"no answer from worker {silent[1]}"
        if silent
        else (str(error).splitlines() or [""])[0][:160]
    )


def any_worker(strategy: tf.distribute.Strategy, said: bool) -> bool:
    """Whether `said` is true on any worker; every worker must call this at the same step."""
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return said
    return _sum_over_replicas(strategy, float(said)) > 0


def check_agreement(strategy: tf.distribute.Strategy, step: int) -> None:
    """Raises a UserError, on some worker, unless all workers continue from the same step."""
    if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        mean = _sum_over_replicas(strategy, float(step)) / strategy.num_replicas_in_sync
        if mean != step:
            raise UserError(
                f"this worker goes on from step {step}, another does not: all workers need the same"
                " --workdir, in a folder that all of them see"
            )


def of_each_replica(value: tf.Tensor) -> tf.Tensor:
    """The values that all replicas have, float [replicas, ...], by one all-reduce.

    Args:
      value: this replica's, float [...], of a shape that is the same on all.
    """
    context = tf.distribute.get_replica_context()
    replicas = context.num_replicas_in_sync
    place = tf.one_hot(context.replica_id_in_sync_group, replicas, dtype=value.dtype)
    places = tf.reshape(place, [replicas, *[1] * value.shape.rank])
    return context.all_reduce("SUM", places * value)


def _sum_over_replicas(strategy: tf.distribute.Strategy, value: float) -> float:
    return float(_reduce_sum(strategy, tf.constant(value, tf.float64)))


@tf.function
def _reduce_sum(strategy: tf.distribute.Strategy, value: tf.Tensor) -> tf.Tensor:
    return strategy.reduce("SUM", strategy.run(tf.identity, (value,)), axis=None)


def _tpu(name: str) -> tf.distribute.Strategy:
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(tpu=name or "local")
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
        return tf.distribute.TPUStrategy(resolver)
    except (ValueError, RuntimeError, tf.errors.OpError) as error:
        reason = (str(error).splitlines() or [""])[0]
        raise UserError(f"--strategy=tpu --tpu={name}: cannot reach this TPU ({reason})") from None

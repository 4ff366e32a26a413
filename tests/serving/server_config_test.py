"""The server's files: text of the protocol buffers that TensorFlow
Serving reads, and named as they are.
"""

from __future__ import annotations

import pathlib
import re

import pytest
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
    wrappers_pb2,
)

from sketch2img_tf.serving import rest_client
from tests.inference import stand_in_server

SERVING = pathlib.Path(__file__).resolve().parents[2] / "serving"
COMPOSE = (SERVING / "compose.yaml").read_text()
WHOLE_NUMBERS = (
    "max_batch_size",
    "batch_timeout_micros",
    "max_enqueued_batches",
    "num_batch_threads",
)


@pytest.fixture(scope="module")
def batching_parameters():
    """The message class, of which tensorflow-serving-api has no copy.

    From tensorflow_serving/servables/tensorflow/session_bundle_config.proto.
    """
    field = descriptor_pb2.FieldDescriptorProto
    optional, repeated = field.LABEL_OPTIONAL, field.LABEL_REPEATED
    file = descriptor_pb2.FileDescriptorProto(
        name="batching.proto", syntax="proto3", dependency=[wrappers_pb2.DESCRIPTOR.name]
    )
    message = file.message_type.add(name="BatchingParameters")
    for number, name in enumerate(WHOLE_NUMBERS, 1):
        message.field.add(
            name=name,
            number=number,
            label=optional,
            type=field.TYPE_MESSAGE,
            type_name=".google.protobuf.Int64Value",
        )
    message.field.add(name="allowed_batch_sizes", number=6, label=repeated, type=field.TYPE_INT64)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("BatchingParameters"))


@pytest.mark.parametrize("name", ["batching_cpu.txt", "batching_gpu.txt"])
def test_batching(batching_parameters, name):
    parameters = text_format.Parse((SERVING / "config" / name).read_text(), batching_parameters())
    assert all(getattr(parameters, field).value > 0 for field in WHOLE_NUMBERS)
    allowed = list(parameters.allowed_batch_sizes)
    # The server refuses to start otherwise.
    assert allowed == sorted(set(allowed))
    assert not allowed or allowed[-1] == parameters.max_batch_size.value
    # The clients send no more at once, and the stand-in takes no more than either.
    assert rest_client.AT_ONCE <= stand_in_server.MOST <= parameters.max_batch_size.value


def test_the_compose_file_names_files_that_are_there():
    inside = re.findall(r"=/config/(\S+)", COMPOSE)
    assert len(inside) == 4
    assert {*inside} == {path.name for path in (SERVING / "config").iterdir()}


def test_the_server_has_the_version_of_the_tensorflow_that_exports():
    asked, current = (
        re.search(r"^tensorflow==(\S+)", (SERVING.parent / name).read_text(), re.MULTILINE).group(1)
        for name in ("requirements.txt", "requirements-current.txt")
    )
    image = f"${{SERVING_VERSION:-{asked}}}"
    assert re.findall(r"image: tensorflow/serving:(\S+)", COMPOSE) == [image, f"{image}-gpu"]
    for text in (COMPOSE, (SERVING / "README.md").read_text()):
        assert re.findall(r"SERVING_VERSION=([\d.]+)", text) == [current]

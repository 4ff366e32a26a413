"""The benchmarks run as scripts and end with one JSON object that can be believed."""

from __future__ import annotations

import json
import pathlib
import statistics
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from benchmarks import ring
from sketch2img_tf.config import Config, NetworkConfig
from sketch2img_tf.devices import graph_cost
from sketch2img_tf.networks.discriminator import Discriminator
from sketch2img_tf.networks.generator import make_generator
from tests.draw_page import browser

pytestmark = pytest.mark.ci

ROOT = pathlib.Path(__file__).resolve().parents[1]
SCRIPTS = [
    path for path in sorted((ROOT / "benchmarks").glob("*.py")) if "__main__" in path.read_text()
]


def measure(*command):
    """The JSON object on the last line of what a benchmark prints."""
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_litert_batches():
    result = measure("benchmarks/litert_batches.py", "--base_width=4", "--seconds=0")
    by_batch = result["one_thread_ms_by_batch"]
    assert list(by_batch) == ["1", "4", "8"] and min(by_batch.values()) > 0
    assert ("interpreters_ms" in result) == (result["cores"] > 1)


@pytest.mark.slow
def test_train_step():
    arguments = [
        "--batch_size=2",
        "--steps=3",
        "--base_width=2",
        "--num_classes=3",
        "--perceptual_weight=0",
    ]
    result = measure("benchmarks/train_step.py", "--precision=mixed_bfloat16", *arguments)
    assert result["median_s_per_step"] == statistics.median(result["s_per_step"]) > 0
    assert len(result["s_per_step"]) == 3
    assert result["s_to_trace"] > 0
    assert result["pictures_per_s"] == pytest.approx(2 / result["median_s_per_step"], rel=0.01)
    assert {key: result[key] for key in ("precision", "batch_size", "base_width", "classes")} == {
        "precision": "mixed_bfloat16",
        "batch_size": 2,
        "base_width": 2,
        "classes": 3,
    }
    assert result["generator_parameters"] > result["discriminator_parameters"] > 0
    share = result["multiply_adds_g_per_s"] / result["matrix_product_g_per_s"]
    assert result["share_of_matrix_product"] == pytest.approx(share, abs=1e-3)
    assert 100 < result["peak_memory_mb"] < 100_000


def test_input_pipeline(dummy_data_dir):
    arguments = [f"--data_dir={dummy_data_dir}", "--batch_size=4", "--batches=5"]
    result = measure("benchmarks/input_pipeline.py", *arguments)
    assert (result["pictures"], result["batch_size"], result["examples"]) == (20, 4, 10)
    assert result["pictures_per_s"] > 0


def test_as_drawn(exported, tmp_path):
    """All drawings of classes that the model knows, and two of them by name."""
    sheet = tmp_path / "sheet.png"
    arguments = [f"--model={exported.parent}", f"--output={sheet}", "--variations=2"]
    assert measure("benchmarks/as_drawn.py", *arguments)["drawings"] == 3
    width, height = Image.open(sheet).size
    chosen = measure(
        "benchmarks/as_drawn.py", *arguments, "--classes=apple,hot-air_balloon", "--sets_per_row=1"
    )
    assert (chosen["drawings"], chosen["variations"]) == (2, 2)
    assert Image.open(sheet).size[0] * 3 == width and Image.open(sheet).size[1] > 1.5 * height
    page = np.asarray(Image.open(sheet).convert("L"))[6:134, 6:134]
    assert page.max() == 255 and 0.01 < (page < 128).mean() < 0.1  # lines of an apple, and paper


def test_multiply_adds_of_convolutions_products_and_their_gradients():
    """Of 2 pictures of 8x8: 3 channels to 5 by 3x3 windows, those to 4
    for every 2x2, and 64 numbers to 7.
    """

    @tf.function
    def gradients(x, kernel, halving, matrix):
        with tf.GradientTape() as tape:
            tape.watch([x, kernel, halving, matrix])
            half = tf.nn.conv2d(tf.nn.conv2d(x, kernel, 1, "SAME"), halving, 2, "SAME")
            loss = tf.reduce_sum(tf.square(tf.matmul(tf.reshape(half, [2, 64]), matrix)))
        return tape.gradient(loss, [x, kernel, halving, matrix])

    shapes = [2, 8, 8, 3], [3, 3, 3, 5], [2, 2, 5, 4], [64, 7]
    graph = gradients.get_concrete_function(*(tf.TensorSpec(shape) for shape in shapes)).graph
    forward = 2 * 64 * 5 * (9 * 3) + 2 * 16 * 4 * (4 * 5) + 2 * 7 * 64
    # Forward, and to the inputs and the weights of each
    assert graph_cost.count(graph) == 3 * forward


def test_multiply_adds_of_depthwise_convolutions():
    graph = tf.function(lambda x, kernel: tf.nn.depthwise_conv2d(x, kernel, [1, 1, 1, 1], "SAME"))
    specs = tf.TensorSpec([2, 8, 8, 3]), tf.TensorSpec([3, 3, 3, 1])
    assert graph_cost.count(graph.get_concrete_function(*specs).graph) == 2 * 64 * 3 * 9


def test_multiply_adds_of_what_is_called_and_of_nothing_else():
    @tf.function
    def square(x):
        return tf.matmul(x, x)

    @tf.function
    def fourth(x):
        tf.matmul(x, x)  # which nothing needs
        return square(square(x))

    assert graph_cost.count(fourth.get_concrete_function(tf.TensorSpec([5, 5])).graph) == 2 * 5**3


def test_a_step_on_a_ring_by_hand():
    """8 devices of 500 G/s at half of their peak, 1 GB/s, 1 ms;
    1 G a picture, 8 MB in 10 exchanges.
    """
    machine, step = ring.Machine(8, 1e12, 1e9, 1e-3), ring.Step(1e9, 8e6, 10)
    assert step.computing(machine, 10, 0.5) == pytest.approx(0.020)
    assert step.exchanging(machine) == pytest.approx(2 * 7e6 / 1e9 + 0.010)
    assert step.efficiency(machine, 10, 0.5) == pytest.approx(20 / 44)
    assert step.batch_for(0.9, machine, 0.4) == 87  # 0.9 / 0.1 times 24 ms, at 2.5 ms per picture
    assert step.link_for(0.9, machine, 216, 0.5) == pytest.approx(14e6 / (0.048 - 0.010))
    # The latencies alone are a tenth of the step
    assert step.link_for(0.9, machine, 45, 0.5) == float("inf")


@pytest.mark.slow
def test_scaling():
    options = ["--base_width=4", "--num_classes=3", "--perceptual_weight=0"]
    result = measure("benchmarks/scaling.py", "--batch_size=2", *options)
    networks = make_generator(Config(network=NetworkConfig(base_width=4)), 3), Discriminator(3, 4)
    networks[1]((tf.zeros([1, 64, 64, 3]), tf.zeros([1, 64, 64, 1])))
    gradients_mb = 4e-6 * sum(
        v.shape.num_elements() for network in networks for v in network.trainable_variables
    )
    # What else there is are statistics
    assert gradients_mb < result["exchanged_mb"] < 1.5 * gradients_mb
    alone = measure("benchmarks/scaling.py", "--batch_size=2", "--nocross_replica_norm", *options)
    # Two networks' gradients, and the moments for DRAGAN's deviation
    assert alone["exchanges"] == 3
    # Those of both norms of a unit together: of the generator's 8 units forward and back, of the
    # discriminator's 4 in three passes, and in the penalty's, whose gradient has a gradient
    assert result["exchanges"] - 3 == 8 * 2 + 4 * (3 * 2 + 4)
    assert alone["multiply_adds_a_picture_g"] == result["multiply_adds_a_picture_g"] > 0
    for machine in result["machines"].values():
        assert 0 < machine["efficiency"] < 1 and machine["batch_for_90_percent"] >= 1


@pytest.mark.slow
def test_workers():
    result = measure(
        "benchmarks/workers.py",
        "--base_width=2",
        "--perceptual_weight=0",
        "--batch_size=2",
        "--steps=2",
    )
    seconds, rates = result["median_s_per_step"], result["pictures_per_s"]
    assert rates["1"] == pytest.approx(2 / seconds["1"], rel=0.05)
    assert rates["2"] == pytest.approx(4 / seconds["2"], rel=0.05)
    assert result["efficiency"] == pytest.approx(rates["2"] / (2 * rates["1"]), rel=0.05)


@pytest.mark.slow
def test_draw_page():
    """The memory of the page, too, which must not follow the number of requests."""
    browser.require("gradio")
    result = measure("benchmarks/draw_page.py", "--base_width=4", "--requests=1000")
    assert 0 < result["page_s"] < result["first_picture_s"]
    memory = result["memory_mb"]
    assert list(memory) == [str(number) for number in range(100, 1001, 100)]
    # MB: 0.02 a request; a drawing alone has 0.03
    assert 300 < memory["100"] and memory["1000"] - memory["100"] < 20


def write_run(folder, steps, rate, kernels):
    """What a run of train.py and evaluations of its steps leave, as far as
    the experiments' table is made of it.
    """
    folder.mkdir(parents=True)
    metrics = {"class_accuracy_MobileNet": 0.5, "l1": 0.25, "nearest_train_MobileNet": 0.75}
    metrics |= dict.fromkeys(["edge_recall", "edge_recall_by_chance", "diversity_coarse_l1"], 0.125)
    logged = {f"evaluation/{name}": value for name, value in metrics.items()}
    logged["evaluation/kernel_MobileNet_conv_pw_12_relu"] = 0.6
    scalars = [{"step": steps, **logged}, {"step": steps, "steps_per_second": rate}]
    (folder / "scalars.jsonl").write_text("".join(json.dumps(line) + "\n" for line in scalars))
    with open(folder / "metrics.jsonl", "w") as file:
        for step, name, kernel in kernels:
            protocol = {"name": name, "features": {"network": "MobileNet"}}
            measured = {**metrics, "kernel_MobileNet_conv_pw_12_relu": kernel}
            file.write(json.dumps({"step": step, "protocol": protocol, "metrics": measured}) + "\n")


@pytest.mark.parametrize(
    "protocol, kernel", [(["--protocol=test_all"], "0.200 +- 0.100"), ([], "0.600 +- 0.000")]
)
def test_experiments_table(tmp_path, protocol, kernel):
    """The last result of the last step by the protocol asked for, without one what the training
    logged then; the mean of the seeds, and half of their range."""
    write_run(
        tmp_path / "report-0",
        20,
        4.0,
        [(10, "test_all", 9), (20, "test_all", 0.1), (20, "test_256", 9)],
    )
    write_run(tmp_path / "report-1", 20, 2.0, [(20, "test_all", 9), (20, "test_all", 0.3)])
    command = [
        sys.executable,
        "benchmarks/experiments.py",
        "--table",
        f"--runs_dir={tmp_path}",
        "--seeds=0,1",
    ]
    done = subprocess.run(
        [*command, *protocol], cwd=ROOT, check=True, capture_output=True, text=True, timeout=60
    )
    _, _, row = done.stdout.splitlines()
    assert [cell.strip() for cell in row.strip("|").split("|")] == [
        *("report", "0, 1", "20", kernel, "0.500 +- 0.000"),
        *["0.125 +- 0.000"] * 3,
        *("0.750 +- 0.000", "0.250 +- 0.000", "0.375 +- 0.125"),
    ]


@pytest.mark.slow
def test_experiments_run_once_and_go_on(tmp_path, dummy_data_dir):
    """Two variants: trained and scored, and with more steps
    only these are done, and scored again.
    """
    common = tmp_path / "common.flags"
    options = [
        "base_width=2",
        "global_batch_size=4",
        "num_classes=2",
        "perceptual_weight=0",
        "log_every_steps=1",
    ]
    options += [f"data_dir={dummy_data_dir}"]
    command = [
        sys.executable,
        "benchmarks/experiments.py",
        f"--runs_dir={tmp_path}",
        f"--common={common}",
    ]
    command += ["--variants=report,batch_norm", "--protocol=test_all", "--features_weights=random"]
    for steps, results in ((1, 1), (1, 1), (2, 2)):
        common.write_text("".join(f"--{option}\n" for option in [*options, f"train_steps={steps}"]))
        done = subprocess.run(
            command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, done.stderr
        assert [row.split(" | ")[2] for row in done.stdout.splitlines()[2:]] == [str(steps)] * 2
        for variant in ("report-0", "batch_norm-0"):
            written = (tmp_path / variant / "metrics.jsonl").read_text().splitlines()
            assert [json.loads(line)["step"] for line in written] == [1, 2][:results]
            trained = (tmp_path / variant / "scalars.jsonl").read_text().splitlines()
            assert sum("steps_per_second" in line for line in trained) == steps


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_missing_library_is_one_line(path):
    """Run by a Python that sees no installed package at all."""
    command = [sys.executable, "-I", "-S", str(path), "--help"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1 and line.startswith(
        "error: tensorflow is not installed, tensorflow>=2."
    )

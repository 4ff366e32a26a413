"""A run's compiled step, driven without TensorFlow, is the run: the real commands, on the CPU."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from PIL import Image

from compiled_step import layout
from compiled_step.packed import Packed, keyed
from sketch2img_tf.evaluation.as_drawn import AsDrawn
from sketch2img_tf.run_folder.checkpoints import load_generator
from sketch2img_tf.run_folder.summaries import read_scalars
from tests.faults.commands import last_line, run
from tests.paired import paired

pytestmark = pytest.mark.ci

STEPS = 3
SMALL = (
    "--flagfile=configs/best_full.flags",
    "--base_width=2",
    "--global_batch_size=4",
    "--num_classes=2",
    "--perceptual_weight=0",
    "--dragan_every_steps=2",
    f"--train_steps={STEPS}",
    "--decay_start_step=0",
    "--precision=float32",
    "--balance_classes=0.5",
    "--unaligned_supervised_fraction=0.5",
)


@pytest.fixture(scope="module")
def folder(dummy_data_dir, tmp_path_factory):
    """A folder with a packed run, `packed`."""
    folder = tmp_path_factory.mktemp("compiled")
    folders = [f"--data_dir={dummy_data_dir}", f"--packed_dir={folder}/packed"]
    code, _, stderr = run("-m", "compiled_step.pack", *SMALL, *folders)
    assert code == 0, last_line(stderr)
    return folder


@pytest.fixture(scope="module")
def driven(folder, by_jax):
    """The same with what three steps by JAX have left, `output`."""
    folders = [f"--packed_dir={folder}/packed", f"--output_dir={folder}/output"]
    by_jax(
        "-m",
        "compiled_step.run",
        "--log_every_steps=1",
        "--part_mb=1",
        f"--kept_in={folder}/kept",
        *folders,
    )
    return folder


@pytest.mark.slow
def test_three_steps_by_jax_are_three_steps_by_tensorflow(driven):
    packed = Packed(str(driven / "packed"))
    before, step = packed.restored(), packed.restored()
    scalars = [
        {name: float(value) for name, value in step(packed.batch(number)).items()}
        for number in range(STEPS)
    ]
    logged = read_scalars(str(driven / "output"))
    assert [line["step"] for line in logged] == [1, 2, 3]
    for line, expected in paired(logged, scalars):
        for name, value in expected.items():
            assert line[name] == pytest.approx(value, rel=2e-3, abs=2e-4), name
    left = layout.read_parts(str(driven / "output"), layout.STATE_PARTS)
    moved = 0
    for (key, variable), start in paired(keyed(step).items(), keyed(before).values()):
        if key in left:
            distance = np.abs(
                variable.numpy().astype(np.float64) - left[key].reshape(variable.shape)
            )
            change = np.abs(variable.numpy().astype(np.float64) - start.numpy()).mean()
            # Adam's first steps are of one length, whatever part rounding has in a gradient.
            assert distance.mean() <= 0.25 * change + 1e-6, variable.name
            moved += change > 0
    assert moved > 300


@pytest.mark.slow
def test_what_is_brought_back_is_an_ordinary_checkpoint(driven, dummy_data_dir, tmp_path):
    folders = [
        f"--packed_dir={driven}/packed",
        f"--output_dir={driven}/output",
        f"--workdir={tmp_path}/run",
    ]
    code, stdout, stderr = run("-m", "compiled_step.unpack", *folders)
    assert code == 0 and "step 3" in stdout, last_line(stderr)
    resumed = ["train.py", f"--flagfile={tmp_path}/run/flags.txt", "--train_steps=4"]
    code, stdout, stderr = run(*resumed)
    assert code == 0 and "going on from step 3" in stdout, last_line(stderr)
    code, _, stderr = run(
        "export.py", f"--workdir={tmp_path}/run", f"--export_dir={tmp_path}/export"
    )
    assert code == 0, last_line(stderr)
    code, _, stderr = run("-m", "compiled_step.unpack", *folders)
    assert code == 1 and "is at step 4, but" in last_line(stderr)


@pytest.mark.slow
def test_the_first_steps_losses_by_tensorflow_are_those_by_jax(driven):
    code, stdout, stderr = run("-m", "compiled_step.first_step", f"--packed_dir={driven}/packed")
    assert code == 0, last_line(stderr)
    logged = read_scalars(str(driven / "output"))[0]
    for name, value in json.loads(stdout).items():
        assert logged[name] == pytest.approx(value, rel=2e-3, abs=2e-4), name


@pytest.mark.slow
def test_it_stops_in_time_with_what_there_is_and_writes_over_nothing(driven, by_jax, tmp_path):
    folders = [
        f"--packed_dir={driven}/packed",
        f"--output_dir={tmp_path}",
        f"--kept_in={driven}/kept",
    ]
    done = json.loads(by_jax("-m", "compiled_step.run", "--seconds=0.001", *folders))
    assert done["step"] == 1 == len(read_scalars(str(tmp_path)))
    for name in (layout.STATE_PARTS, layout.GENERATOR):
        parts = [layout.read_parts(str(folder), name) for folder in (tmp_path, driven / "output")]
        assert parts[0].keys() == parts[1].keys() != set()
    with pytest.raises(AssertionError, match="holds the files of another run; give another folder"):
        by_jax("-m", "compiled_step.run", *folders)


@pytest.fixture(scope="module")
def several(dummy_data_dir, tmp_path_factory):
    """A run packed small and two steps per call, `packed`, and what two calls
    by JAX have left in time, `output`.
    """
    folder = tmp_path_factory.mktemp("several")
    small = "--steps_per_call=2", "--train_steps=6", "--most_a_class=4"
    code, stdout, stderr = run(
        "-m",
        "compiled_step.pack",
        *SMALL,
        *small,
        f"--data_dir={dummy_data_dir}",
        f"--packed_dir={folder}/packed",
    )
    assert code == 0 and " MiB; " in stdout, last_line(stderr)
    return folder


@pytest.mark.slow
def test_two_steps_per_call_are_two_steps_and_the_generator_comes_first(several, by_jax, tmp_path):
    folders = [f"--packed_dir={several}/packed", f"--output_dir={several}/output"]
    by_jax(
        "-m",
        "compiled_step.run",
        "--log_every_steps=1",
        "--steps=5",
        "--limit_seconds=0.001",
        *folders,
    )
    done = json.loads((several / "output" / layout.DONE).read_text())
    assert (done["step"], done["state"]) == (4, False)  # 5 is no whole number of calls
    assert sorted(os.listdir(several / "output")) == [
        "done.json",
        "generator_00.npz",
        "scalars.jsonl",
        "sheets.npz",
    ]
    packed = Packed(str(several / "packed"))
    step, expected = packed.restored(), []
    for number in range(4):
        expected.append({name: float(value) for name, value in step(packed.batch(number)).items()})
    logged = read_scalars(str(several / "output"))
    assert [line["step"] for line in logged] == [2, 4]
    for line, (one, other) in zip(logged, (expected[:2], expected[2:])):
        for name, value in one.items():
            counted = name.endswith("skipped_updates")
            mean = value + other[name] if counted else (value + other[name]) / 2
            assert line[name] == pytest.approx(mean, rel=5e-3, abs=5e-4), name

    unpack = ["-m", "compiled_step.unpack", *folders]
    code, stdout, stderr = run(*unpack, f"--workdir={tmp_path}/run")
    assert code == 0 and "the averaged generator of step 4" in stdout, last_line(stderr)
    generator, _, at = load_generator(str(tmp_path / "run"))
    assert at == 4
    left = layout.read_parts(str(several / "output"), layout.GENERATOR)
    for key, variable, by_tensorflow in zip(
        packed.described["averaged_generator"],
        generator.variables,
        step.state.averaged_generator.variables,
    ):
        np.testing.assert_array_equal(
            variable, left[key].reshape(variable.shape).astype(np.float32)
        )
        np.testing.assert_allclose(
            variable, by_tensorflow, rtol=2e-2, atol=5e-3, err_msg=variable.name
        )
    own = AsDrawn(packed.card.class_names, packed.card.statistics, packed.card.config.data)
    sheet = np.asarray(Image.open(tmp_path / "run" / "as_drawn" / "00000004.png"), float)
    assert np.abs(sheet - np.asarray(own.sheet(generator.draw))).mean() < 2
    code, _, stderr = run(
        "export.py", f"--workdir={tmp_path}/run", f"--export_dir={tmp_path}/export"
    )
    assert code == 0, last_line(stderr)


@pytest.mark.slow
@pytest.mark.parametrize("flag", ["kept_in", "output_dir"])
def test_a_folder_that_cannot_be_made_is_a_line_before_anything_is_compiled(
    flag, folder, by_jax, tmp_path
):
    (tmp_path / "file").touch()
    with pytest.raises(
        AssertionError, match=f"error: --{flag}=.*file/in: Not a directory; give a folder"
    ):
        by_jax(
            "-m",
            "compiled_step.run",
            f"--packed_dir={folder}/packed",
            f"--{flag}={tmp_path}/file/in",
        )


@pytest.mark.slow
def test_a_part_that_is_missing_is_named(driven, tmp_path):
    output = tmp_path / "output"
    output.mkdir()
    for name in os.listdir(driven / "output"):
        if name != "state_00.npz":
            os.link(driven / "output" / name, output / name)
    code, _, stderr = run(
        *("-m", "compiled_step.unpack", f"--packed_dir={driven}/packed"),
        *(f"--output_dir={output}", f"--workdir={tmp_path}/run"),
    )
    assert code == 1 and "a file of the state is missing" in last_line(stderr)


@pytest.mark.slow
def test_a_run_is_packed_where_it_stands(dummy_data_dir, tmp_path):
    code, _, stderr = run(
        "train.py", *SMALL, f"--data_dir={dummy_data_dir}", f"--workdir={tmp_path}/run"
    )
    assert code == 0, last_line(stderr)
    pack = ["-m", "compiled_step.pack", f"--flagfile={tmp_path}/run/flags.txt", "--train_steps=5"]
    code, _, stderr = run(*pack, f"--packed_dir={tmp_path}/packed", "--redraw")
    assert code == 1 and "would replace the weights of the run" in last_line(stderr)
    code, _, stderr = run(*pack, f"--packed_dir={tmp_path}/packed")
    assert code == 0, last_line(stderr)
    packed = Packed(str(tmp_path / "packed"))
    (generator, _, step) = load_generator(str(tmp_path / "run"))
    state = packed.restored().state
    assert int(state.step) == packed.described["step"] == step == STEPS
    for found, expected in paired(state.averaged_generator.variables, generator.variables):
        np.testing.assert_array_equal(found, expected, err_msg=found.name)
    assert os.listdir(tmp_path).count("packed.partial") == 0


@pytest.mark.parametrize(
    "flag", ["--crop_fraction=0.1", "--discriminator_steps=2", "--precision=mixed_float16"]
)
def test_what_xla_cannot_have_is_said_before_the_data_are_read(flag, tmp_path):
    code, _, stderr = run(
        "-m", "compiled_step.pack", flag, "--data_dir=none", f"--packed_dir={tmp_path}/packed"
    )
    assert code == 1 and flag.split("=")[0] in last_line(stderr)
    assert not os.path.exists(tmp_path / "packed")


def test_a_folder_without_a_packed_run_is_a_line(by_jax, tmp_path):
    with pytest.raises(
        AssertionError, match=r"^error: --packed_dir=\S+: has no run.json; give the"
    ):
        by_jax(
            "-m", "compiled_step.run", f"--packed_dir={tmp_path}", f"--output_dir={tmp_path}/output"
        )

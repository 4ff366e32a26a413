"""Lines as people draw them: the thing is found among edges that are stronger than its own, what
the network learns is where sketches were drawn, and both commands do it from files.
"""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy import ndimage

import datasets.edge_maps
from datasets.common.listing import Picture
from datasets.edge_maps import drawing, ink_network, inspection, learning, outlines
from datasets.edge_maps.ink_network import GRID, LinesOptions
from sketch2img_tf.errors import UserError
from tests.paired import paired
from tests.sources import ROOT

PHOTOS = pathlib.Path(datasets.edge_maps.__file__).parent / "dummy_data"


def scene(seed):
    """A photo of a plain red ellipse before black and white beams, and its box in pixels.

    The beams' edges are the strongest, and cross the whole picture.
    """
    random = np.random.default_rng(seed)
    picture = Image.new("RGB", (256, 256), (200, 200, 200))
    canvas = ImageDraw.Draw(picture)
    for place in range(12, 256, 48):
        canvas.line((place, 0, place + random.integers(-30, 30), 256), (20, 20, 20), 10)
    radii, centre = random.integers(30, 60, 2), random.integers(80, 176, 2)
    box = (*(centre - radii), *(centre + radii))
    canvas.ellipse(box, fill=(190, 40, 50))
    noise = random.normal(0, 6, (256, 256, 3))
    return np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8), box


def drawn(box, shift=(0, 0)):
    """The outline of an ellipse, bool [256, 256]: 3 pixels wide, and beside its place."""
    picture = Image.new("1", (256, 256))
    moved = [int(place) for place in np.add(box, [*shift, *shift])]
    ImageDraw.Draw(picture).ellipse(moved, outline=1, width=3)
    return np.asarray(picture)


def maps_of(box):
    """The maps of a network that knows the thing: [GRID, GRID], as blurred as those of one."""
    taught = learning.targets([drawn(box, shift) for shift in ((6, 0), (-6, 3), (0, -6))])
    return tuple(np.moveaxis(ndimage.gaussian_filter(taught, (1, 1, 0)), -1, 0))


def share_near(lines, others, pixels=8):
    return (ndimage.distance_transform_edt(~others)[lines] <= pixels).mean()


@pytest.mark.parametrize("seed", range(4))
def test_the_thing_is_drawn_and_not_the_stronger_edges_around_it(seed):
    photo, box = scene(seed)
    lines = drawing.draw(photo, *maps_of(box))
    assert lines.shape == (256, 256, 1) and set(np.unique(lines)) == {0, 255}
    lines = lines[..., 0] == 0
    assert share_near(lines, drawn(box), pixels=5) > 0.9
    assert share_near(drawn(box), lines, pixels=5) > 0.9
    assert share_near(outlines.outline(photo)[..., 0] == 0, drawn(box)) < 0.5


def test_lines_inside_the_thing_are_drawn_where_people_draw():
    photo, box = scene(0)
    picture = Image.fromarray(photo)
    middle = (box[0] + box[2]) // 2, (box[1] + box[3]) // 2
    eye = [middle[0] - 12, middle[1] - 12, middle[0] + 12, middle[1] + 12]
    ImageDraw.Draw(picture).ellipse(eye, fill="white")
    lines = drawing.draw(np.asarray(picture), *maps_of(box))[..., 0] == 0
    assert share_near(drawn(eye), lines, pixels=4) > 0.9
    assert 0.01 < lines.mean() < 0.06


@pytest.mark.parametrize("inside", [0.0, 0.05])
def test_no_thing_is_a_blank_page(inside):
    photo, _ = scene(0)
    maps = np.full([GRID, GRID], inside, np.float32)
    assert drawing.draw(photo, maps, maps).min() == 255


def test_a_photo_of_one_colour_gives_the_thing_of_the_maps_alone():
    _, box = scene(1)
    lines = drawing.draw(np.full([256, 256, 3], 90, np.uint8), *maps_of(box))[..., 0] == 0
    assert share_near(lines, drawn(box), pixels=16) > 0.9


def test_targets_are_means_of_what_each_person_drew():
    box = (64, 64, 192, 192)
    near, inside = np.moveaxis(learning.targets([drawn(box)]), -1, 0)
    assert inside.sum() / GRID**2 == pytest.approx(np.pi * 64**2 / 256**2, rel=0.1)
    assert inside[GRID // 2, GRID // 2] == 1 and near[GRID // 2, GRID // 2] < 0.01
    assert near[GRID // 2, GRID // 4] > 0.7  # where the circle crosses
    one, other = drawn(box), drawn(box, (20, 0))
    both = learning.targets([one, other])
    np.testing.assert_allclose(
        both, (learning.targets([one]) + learning.targets([other])) / 2, atol=1e-6
    )
    assert both.dtype == np.float32 and both.min() >= 0 and both.max() <= 1


def test_agreement():
    box = (64, 64, 192, 192)
    line = drawn(box)
    assert learning.agreement(line, line) == 1
    assert learning.agreement(line, drawn(box, (3, 3))) == 1
    assert learning.agreement(line, drawn((100, 100, 150, 150))) < 0.1
    assert learning.agreement(line, np.zeros_like(line)) == 0
    half = line.copy()
    half[128:] = False  # all of it agrees, with half of the other: 2 / (1 + 2)
    assert learning.agreement(half, line) == pytest.approx(2 / 3, abs=0.03)


@pytest.fixture(scope="module")
def features():
    """Of a MobileNet with random weights: they see colours, and know no things."""
    return ink_network.Features("random")


@pytest.mark.ci
def test_it_learns_where_the_sketches_are(features):
    scenes = [scene(seed) for seed in range(32)]
    lines = [[drawn(box, (4, 0)), drawn(box, (-4, -4))] for _, box in scenes]
    photos = np.stack([photo for photo, _ in scenes])
    train = learning.Drawn(photos[:24], np.zeros(24, int), lines[:24])
    network = learning.trained(train, features, steps=60)
    taught = np.stack([learning.targets(of_photo) for of_photo in lines])
    maps = network.maps(features(photos[24:]))
    mean = taught[:24].mean(0)
    assert np.abs(maps - taught[24:]).mean() < 0.6 * np.abs(mean - taught[24:]).mean()
    for photo, of_photo, (_, box) in paired(photos[24:], maps, scenes[24:]):
        drawing_of_it = drawing.draw(photo, *np.moveaxis(of_photo, -1, 0))[..., 0] == 0
        assert share_near(drawing_of_it, drawn(box)) > 0.8


@pytest.fixture(scope="module")
def weights(features, tmp_path_factory):
    """A file of a network that has learnt nothing: its things are where its random weights say."""
    counts = [values.shape[-1] for values in features(scene(0)[0][np.newaxis])]
    network = ink_network.InkNetwork(
        [np.zeros(count, np.float32) for count in counts],
        [np.full(count, 1e-4, np.float32) for count in counts],
        features.sha256,
    )
    *others, bias = network.decoder.get_weights()
    network.decoder.set_weights([*others, np.zeros_like(bias)])
    path = tmp_path_factory.mktemp("lines") / "lines.npz"
    network.save(str(path))
    return path


def test_a_file_gives_the_same_maps(features, weights):
    network = ink_network.InkNetwork.load(LinesOptions(str(weights), "random"), features.sha256)
    again = weights.with_name("again.npz")
    network.save(str(again))
    assert again.read_bytes() == weights.read_bytes() and weights.stat().st_size < 1e6
    photo, _ = scene(9)
    first, second = (
        ink_network.of_photo.__wrapped__(LinesOptions(str(path), "random"))(photo)
        for path in (weights, again)
    )
    np.testing.assert_array_equal(first, second)
    assert np.shape(first) == (2, GRID, GRID)


@pytest.mark.ci
def test_the_copy_of_a_network_in_another_process_draws_the_same(weights, monkeypatch):
    """Random weights too are the same everywhere."""
    options = LinesOptions(str(weights), "random")
    found = [Picture(path) for path in sorted(PHOTOS.rglob("*.*"))[:4]]
    here = inspection.check_all_here(found, options)
    monkeypatch.setattr(inspection, "_FEW", 2)
    assert inspection.check_all_here(found, options) == here
    assert here != inspection.check_all_here(found)


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda path: path.unlink(), "no such file; python -m datasets.edge_maps.learn makes it"),
        (lambda path: path.write_bytes(b""), "is no whole file of python -m"),
        (lambda path: path.write_bytes(path.read_bytes()[:9000]), "is no whole file of python -m"),
        (lambda path: np.savez(path, a=np.ones(3)), "is no whole file of python -m"),
    ],
)
def test_files_that_are_none(weights, tmp_path, spoil, message):
    path = tmp_path / "lines.npz"
    path.write_bytes(weights.read_bytes())
    spoil(path)
    with pytest.raises(UserError, match=rf"^--lines_weights=.*lines\.npz: {message}") as raised:
        ink_network.InkNetwork.load(LinesOptions(str(path), "random"), "random")
    assert "\n" not in str(raised.value)


def test_other_features_are_refused(weights):
    with pytest.raises(UserError, match="^--features_weights=f.h5: are not the weights of Mobile"):
        ink_network.InkNetwork.load(LinesOptions(str(weights), "f.h5"), "0a1b")


def run(*arguments):
    done = subprocess.run(
        [sys.executable, "-m", *map(str, arguments)], capture_output=True, text=True, cwd=ROOT
    )
    return done.returncode, done.stdout.splitlines(), done.stderr.splitlines()


@pytest.mark.ci
def test_the_two_commands(dummy_data_dir, tmp_path):
    (sketches,) = (dummy_data_dir / "sketchy").glob("tx_*/*")
    weights, data_dir = tmp_path / "lines.npz", tmp_path / "data"
    random = "--features_weights=random"
    learn = ["datasets.edge_maps.learn", f"--output={weights}", "--steps=60", random]
    code, printed, said = run(*learn, f"--sketches_dir={sketches}")
    assert code == 0, said
    learnt = json.loads(printed[-1])
    assert learnt["photos"] == 6 and 6 < learnt["sketches"] <= 12
    assert learnt["held_out"]["photos"] == 3
    assert set(learnt["held_out"]["lines"]) == {"edges", "learned", "another person"}
    first = weights.read_bytes()

    code, _, said = run(*learn, f"--sketches_dir={data_dir}")
    assert code == 1 and said[-1].startswith(f"error: --sketches_dir={data_dir}: is no folder of")
    assert weights.read_bytes() == first

    build = ["datasets.edge_maps.build", f"--photos_dir={PHOTOS}", f"--data_dir={data_dir}", random]
    code, printed, said = run(*build, f"--lines_weights={weights}")
    assert code == 0, said
    assert json.loads(printed[-1])["lines_sha256"] == ink_network.sha256(str(weights))
    assert run(*build)[0] == 0  # Who does not say which lines takes those that are there
    other = tmp_path / "other.npz"
    other.write_bytes(b"0")
    code, _, said = run(*build, f"--lines_weights={other}")
    assert code == 1 and "was not built with --lines_weights=" in said[-1]

"""A whole evaluation on the dummy release: what is in a result, and what it must not depend on."""

from __future__ import annotations

import json
import os
import re

import numpy as np
import pytest
import tensorflow as tf

from sketch2img_tf.data import preprocessing
from sketch2img_tf.errors import UserError
from sketch2img_tf.evaluation import examples, protocols, scoring, training_photos
from sketch2img_tf.evaluation.evaluator import Evaluator, draw_mean_colour
from sketch2img_tf.evaluation.features import FeatureFlags, FeatureNetwork
from sketch2img_tf.evaluation.reports import by_class, html_report, results

pytestmark = pytest.mark.ci

RANDOM = FeatureFlags("MobileNet", "random")
SOURCE = {"model": "runs/some", "step": 30, "judge_also_taught": []}


@pytest.fixture(scope="module")
def evaluator(sketchy):
    tf.keras.utils.set_random_seed(0)
    return Evaluator(sketchy, protocols.PROTOCOLS["test_all"], RANDOM)


@pytest.fixture(scope="module")
def plain(sketchy):
    """Without a network."""
    return Evaluator(sketchy, protocols.PROTOCOLS["test_all"], FeatureFlags("", "imagenet"))


@pytest.fixture(scope="module")
def result(evaluator, draw):
    return results.result_line(evaluator, evaluator.evaluate(draw), draw, SOURCE, 0.4)


def draw_photos(part, statistics):
    """A drawer that remembers the photo of every sketch, and noise when
    it is asked again with another seed.
    """

    def draw(sketches, labels, seeds):
        numbers = [
            int(np.abs(part.sketches - sketch).sum((1, 2, 3)).argmin())
            for sketch in sketches.numpy()
        ]
        pixels = tf.image.convert_image_dtype(part.photos[numbers], tf.float32)
        return preprocessing.normalize_photos(pixels, statistics)

    return draw


def test_a_result_has_every_metric_for_the_model_its_training_and_the_yardsticks(result):
    assert list(result) == [
        "model",
        "step",
        "judge_also_taught",
        "held_out_l1",
        "held_out_l1_mean_colour",
        "held_out_l1_before_training",
        "protocol",
        "metrics",
        "train",
        "real",
        "sketch",
        "mean_colour",
        "by_class",
    ]
    for column in ("metrics", "train", "real", "sketch", "mean_colour"):
        assert sorted(result[column]) == sorted(scoring.metric_names(RANDOM))
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_metrics_without_a_network_are_those_of_pixels(plain, draw):
    found = plain.evaluate(draw).scores.metrics
    assert list(found) == scoring.metric_names(FeatureFlags("", "imagenet"))
    assert plain.description()["features"] is None


def test_the_protocol_says_what_was_measured(result):
    protocol = result["protocol"]
    assert (
        protocol["name"] == "test_all" and protocol["split"] == "test" and protocol["classes"] == 3
    )
    assert (protocol["sketches"], protocol["photos"], protocol["training_photos"]) == (6, 3, 6)
    assert (protocol["seeds"], protocol["diversity_seeds"], protocol["diversity_sketches"]) == (
        "0-5",
        "0-3",
        6,
    )
    assert (
        protocol["features"]["weights_sha256"] == "random" and protocol["features"]["size"] == 224
    )


def test_photos_themselves_are_the_ceiling(evaluator, sketchy):
    """A model that gives the photos has what the real ones have, but for
    the sets, which are of other photos.
    """
    found = evaluator.evaluate(draw_photos(evaluator.part, sketchy.statistics)).scores.metrics
    real = evaluator.real().metrics
    for name in (
        "l1",
        "ssim",
        "edge_recall",
        "edge_precision",
        "nearest_train_rms",
        "perceptual_MobileNet",
    ):
        assert found[name] == pytest.approx(real[name], abs=1e-6)
    assert (found["l1"], found["ssim"], found["diversity_l1"]) == (0, 1, 0)
    assert real["diversity_l1"] > 0.01


def test_one_colour_is_the_floor(evaluator, result):
    floor = result["mean_colour"]
    assert floor["edge_recall"] == floor["diversity_l1"] == floor["diversity_MobileNet"] == 0
    assert floor["inception_score_MobileNet"] == pytest.approx(1)
    assert floor["l1"] > 0.05
    pictures = evaluator.evaluate(draw_mean_colour).pictures
    assert len({picture.tobytes() for picture in pictures}) == 1


def test_the_sketch_itself_is_what_a_model_scores_that_gives_it_back(evaluator, result, sketchy):
    def copy(sketches, labels, seeds):
        lines = preprocessing.paper_intensities(sketches, sketchy.statistics)
        return preprocessing.normalize_photos(tf.repeat(lines, 3, -1), sketchy.statistics)

    found = evaluator.evaluate(copy).scores.metrics
    assert result["sketch"] == pytest.approx(found, abs=1e-6)
    # A line has two sides to Canny, which are more edge pixels than count.
    assert found["edge_recall"] > 0.8 and found["diversity_l1"] == 0


def test_every_class_has_a_number_beside_those_of_the_yardsticks(evaluator, draw, result):
    found = result["by_class"]
    hits = evaluator.evaluate(draw).scores.per_picture["class_accuracy_MobileNet"]
    labels, names = evaluator.part.labels, evaluator.sketchy.class_names
    expected = {names[label]: hits[labels == label].mean() for label in range(3)}
    assert found["metric"] == "class_accuracy_MobileNet"
    assert {name: one["metrics"] for name, one in found["classes"].items()} == expected
    assert [list(one) for one in found["classes"].values()] == [
        ["sketches", "metrics", "real", "sketch", "mean_colour"]
    ] * 3
    for column, mean in found["mean"].items():
        assert mean == result[column]["class_accuracy_MobileNet_of_classes"]
        assert mean == pytest.approx(np.mean([one[column] for one in found["classes"].values()]))
    head, *rows, last = results.class_table(result)
    assert head == ["class", "sketches", "model", "real photos", "the sketch itself", "one colour"]
    assert [row[0] for row in rows] == list(found["classes"]) and last[0] == "mean of classes"
    assert results.class_table({"step": 3}) == []  # as an earlier version left it


def test_a_class_counts_once_however_many_sketches_it_has():
    values, labels = np.array([1.0, 1.0, 1.0, 0.0, 0.5]), np.array([0, 0, 0, 2, 2])
    assert scoring.mean_of_classes(values, labels) == (1.0 + 0.25) / 2  # there is none of class 1
    model, floor = (
        scoring.Scores({"l1_of_classes": mean}, {"l1": 0.5 * factor * values})
        for mean, factor in ((0.3125, 1), (0.0, 0))
    )
    found = scoring.by_class(
        {"metrics": model, "mean_colour": floor}, labels, ("cat", "dog", "fish")
    )
    assert found == {
        "metric": "l1",
        "mean": {"metrics": 0.3125, "mean_colour": 0.0},
        "classes": {
            "fish": {"sketches": 2, "metrics": 0.125, "mean_colour": 0.0},  # lower is better
            "cat": {"sketches": 3, "metrics": 0.5, "mean_colour": 0.0},
        },
    }


def test_of_many_training_photos_a_part_stands_for_the_set(evaluator, draw, monkeypatch, sketchy):
    monkeypatch.setattr(scoring, "_COMPARED", 4)
    scorer = scoring.Scorer(evaluator.part, evaluator.training, evaluator.network)
    np.testing.assert_array_equal(
        scorer._compared_features, evaluator.training.features[[0, 1, 3, 5]]
    )


def test_a_model_that_remembers_is_found_out(evaluator, sketchy):
    """Its pictures of training sketches lie on training photos, as no new photo does."""
    part = examples.read_part(sketchy, "train")
    found = evaluator.evaluate_on_training(draw_photos(part, sketchy.statistics)).scores.metrics
    assert found["nearest_train_rms"] == found["nearest_train_MobileNet"] == 0
    assert evaluator.real().metrics["nearest_train_rms"] > 0.02
    remembered = evaluator.nearest_training_photos(part.photos)
    np.testing.assert_array_equal(remembered, part.photos)


def test_an_evaluation_is_the_same_every_time(evaluator, draw):
    first, second = (evaluator.evaluate(draw) for _ in range(2))
    np.testing.assert_array_equal(first.pictures, second.pictures)
    assert first.scores.metrics == second.scores.metrics


def test_example_number_i_has_seed_i(evaluator, sketchy, draw):
    pictures = evaluator.evaluate(draw).pictures
    part = evaluator.part
    alone = draw(part.sketches[4:5], tf.constant(part.labels[4:5]), tf.constant([4], tf.int64))
    np.testing.assert_array_equal(
        pictures[4:5], preprocessing.photo_pixels(alone, sketchy.statistics)
    )


def test_batches_make_no_difference(evaluator, draw, sketchy, monkeypatch):
    pictures = evaluator.evaluate(draw).pictures
    monkeypatch.setattr(examples, "_DRAW_BATCH", 4)
    monkeypatch.setattr(examples, "_READ_BATCH", 5)
    part = examples.read_part(sketchy, "test")
    np.testing.assert_array_equal(part.sketches, evaluator.part.sketches)
    np.testing.assert_array_equal(examples.draw_part(draw, part, sketchy.statistics, ""), pictures)


def test_photos_count_once(evaluator):
    part = evaluator.part
    assert len(part.distinct) == len({photo.tobytes() for photo in part.photos}) == 3
    assert [part.photo_numbers[i] for i in part.distinct] == [0, 1, 2]


def test_varied_sketches_are_of_as_many_classes_as_possible():
    labels = np.array([2, 2, 2, 0, 0, 1])
    assert examples.spread_over_classes(labels, 4).tolist() == [3, 5, 0, 4]


def test_training_photos_are_kept_and_a_damaged_file_is_made_anew(
    sketchy, monkeypatch, tmp_path, plain
):
    path = training_photos._path([sketchy], None)
    assert os.path.dirname(os.path.dirname(path)) == sketchy.directory and os.path.exists(path)
    with open(path, "r+b") as file:
        file.truncate(200)
    again = training_photos.load(sketchy, None)
    np.testing.assert_array_equal(again.pixels, plain.training.pixels)
    monkeypatch.setattr(training_photos, "read", None)  # they are not read again
    np.testing.assert_array_equal(training_photos.load(sketchy, None).pixels, plain.training.pixels)


def test_weights_that_see_nothing(sketchy, tmp_path):
    """As those of ../shared beyond their last trained layer."""
    model = tf.keras.applications.MobileNet(
        include_top=False, weights=None, input_shape=(224, 224, 3)
    )
    for variable in model.get_layer("conv_pw_12").weights:
        variable.assign(tf.zeros_like(variable))
    model.save_weights(tmp_path / "zero.h5")
    network = FeatureNetwork(FeatureFlags("MobileNet", str(tmp_path / "zero.h5")))
    with pytest.raises(
        UserError, match="^--features_weights: MobileNet gives the same features for every photo"
    ):
        training_photos.load(sketchy, network)


def test_classes_are_ranked(evaluator, draw):
    scores = evaluator.evaluate(draw).scores
    ranked = by_class.by_class(scores, evaluator.part.labels, evaluator.sketchy.class_names)
    values = [one.metrics["perceptual_MobileNet"] for one in ranked]
    assert values == sorted(values) and len(ranked) == 3
    assert sum(len(one.examples) for one in ranked) == 6


def test_the_report_needs_nothing_but_itself(evaluator, draw, result, tmp_path):
    path = tmp_path / "report.html"
    html_report.write(str(path), result, evaluator, evaluator.evaluate(draw), [])
    text = path.read_text()
    assert not re.search(r"(src|href)=\"(?!data:)|https?://|url\(|<script", text)
    assert text.count("data:image/png;base64,") >= 4  # three classes, and the nearest photos
    for name in (*evaluator.sketchy.class_names, *result["metrics"], "test_all"):
        assert name in text
    assert "computes these metrics" not in text
    taught = {**result, "judge_also_taught": ["--perceptual_network"]}
    html_report.write(str(path), taught, evaluator, evaluator.evaluate(draw), [])
    assert (
        "MobileNet computes these metrics and was also used in losses of the model"
        " (--perceptual_network): " in path.read_text()
    )


def test_results_are_appended_and_a_line_cut_short_is_left_out(tmp_path, result):
    results.append(result, str(tmp_path / "new"))
    results.append(result, str(tmp_path / "new"))
    with open(tmp_path / "new" / results.METRICS_FILE, "a") as file:
        file.write('{"model": "cut')
    assert results.read(str(tmp_path / "new")) == [result, result]
    assert results.read(str(tmp_path)) == []


@pytest.mark.parametrize(
    "name",
    [
        "psnr",
        "ssim",
        "edge_recall",
        "class_accuracy_MobileNet",
        "class_in_five_MobileNet",
        "diversity_l1",
    ],
)
def test_what_is_better_when_higher(name):
    assert not scoring.lower_is_better(name)
    assert all(
        scoring.lower_is_better(other)
        for other in ("l1", "fid", "kernel_MobileNet_x", "perceptual_MobileNet")
    )

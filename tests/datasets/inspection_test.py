"""What is wrong with a release is found, counted once and named."""

import pathlib
import shutil
import struct
import unicodedata
import zlib

import numpy as np
import pytest
from PIL import Image

from datasets.common import listing
from datasets.common.report import BAD_KINDS
from datasets.sketchy import inspection, release
from sketch2img_tf.data.names import DEFAULT_PHOTO_VARIANT, DEFAULT_SKETCH_VARIANT
from sketch2img_tf.errors import UserError

APPLE, BALLOON = "n90000001_100", "n90000003_100"


def inspect(manual_dir, max_bad=2):
    found = release.find(manual_dir, None, DEFAULT_PHOTO_VARIANT, DEFAULT_SKETCH_VARIANT)
    return inspection.inspect([found], max_bad)


def bad_count(inspected):
    return sum(len(inspected.report[kind]) for kind in BAD_KINDS)


def photo(manual_dir, name=APPLE, class_name="apple"):
    return manual_dir / "256x256/photo/tx_000100000000" / class_name / f"{name}.jpg"


def sketch(manual_dir, name=f"{APPLE}-1", class_name="apple"):
    return manual_dir / "256x256/sketch/tx_000000000010" / class_name / f"{name}.png"


def found(inspected, but=("rows_without_file",)):
    return {kind: names for kind, names in inspected.report.items() if names and kind not in but}


def examples(inspected):
    return len(inspected.train) + len(inspected.test)


def test_finds_nothing_wrong_with_a_whole_release(release_dir):
    inspected = inspect(release_dir)
    assert found(inspected) == {}
    assert bad_count(inspected) == 0
    assert inspected.class_names == ["apple", "car_(sedan)", "hot-air_balloon"]


def test_rows_of_pictures_that_are_not_here_are_no_fault(release_dir):
    inspected = inspect(release_dir)
    assert inspected.report["rows_without_file"] == [
        "invalid-error.txt: n90000001_9-1",
        "testset.txt: apple/n90000001_9.jpg",
    ]
    assert bad_count(inspected) == 0


def truncated(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def without_its_end(path):
    path.write_bytes(path.read_bytes()[:-30])


def empty(path):
    path.write_bytes(b"")


def text(path):
    path.write_text("<html>404 Not Found</html>")


def smaller(path):
    Image.open(path).resize((255, 256)).save(path)


def other_format(path):
    Image.open(path).convert("RGB").save(path, format="GIF")


def turned(path):
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = Image.open(path)
    picture.save(path, picture.format, exif=exif)


def huge(path):
    """A header that promises 60,000 times 60,000 pixels, for which no room may be made."""
    encoded = bytearray(path.read_bytes())
    if path.suffix == ".png":
        encoded[16:24] = struct.pack(">II", 60_000, 60_000)
        encoded[29:33] = struct.pack(">I", zlib.crc32(encoded[12:29]))
    else:
        size = encoded.index(b"\xff\xc0") + 5  # in the start of frame: ITU-T T.81, B.2.2
        encoded[size : size + 4] = struct.pack(">HH", 60_000, 60_000)
    path.write_bytes(encoded)


FAULTS = [
    (truncated, "truncated|Truncated"),
    (without_its_end, "truncated|Truncated|incomplete"),
    (empty, "is empty"),
    (text, "is not a picture"),
    (smaller, "is 255x256, not 256x256"),
    (other_format, "is GIF, not"),
    (turned, "should be turned, as its EXIF data say: save it upright"),
    (huge, "decompression bomb"),
]


@pytest.mark.parametrize(("damage", "reason"), FAULTS)
def test_names_unreadable_photos_and_leaves_out_their_sketches(release_dir, damage, reason):
    damage(photo(release_dir))
    inspected = inspect(release_dir)
    (line,) = inspected.report["unreadable_pictures"]
    assert line.startswith(f"photo/tx_000100000000/apple/{APPLE}.jpg: ")
    assert any(part in line for part in reason.split("|"))
    assert len(inspected.report["sketches_of_skipped_photos"]) == 2
    assert (bad_count(inspected), examples(inspected)) == (1, 16)


@pytest.mark.parametrize(("damage", "reason"), FAULTS)
def test_names_unreadable_sketches(release_dir, damage, reason):
    damage(sketch(release_dir))
    inspected = inspect(release_dir)
    (line,) = inspected.report["unreadable_pictures"]
    assert line.startswith(f"sketch/tx_000000000010/apple/{APPLE}-1.png: ")
    assert any(part in line for part in reason.split("|"))
    assert (bad_count(inspected), examples(inspected)) == (1, 17)


def test_refuses_a_photo_in_printing_colours_and_takes_a_grey_one(release_dir):
    Image.open(photo(release_dir)).convert("CMYK").save(photo(release_dir))
    Image.open(photo(release_dir, BALLOON, "hot-air_balloon")).convert("L").save(
        photo(release_dir, BALLOON, "hot-air_balloon")
    )
    name = f"photo/tx_000100000000/apple/{APPLE}.jpg"
    assert inspect(release_dir).report["unreadable_pictures"] == [
        f"{name}: has colour mode CMYK, not RGB"
    ]


def test_names_photos_without_sketch(release_dir):
    sketch(release_dir).unlink()
    assert found(inspect(release_dir)) == {}
    sketch(release_dir, f"{APPLE}-2").unlink()
    inspected = inspect(release_dir)
    assert found(inspected) == {
        "photos_without_sketch": [f"photo/tx_000100000000/apple/{APPLE}.jpg"]
    }
    assert bad_count(inspected) == 1


def test_names_sketches_without_photo(release_dir):
    photo(release_dir).unlink()
    inspected = inspect(release_dir)
    names = [f"sketch/tx_000000000010/apple/{APPLE}-{k}.png" for k in (1, 2)]
    assert found(inspected) == {"sketches_without_photo": names}
    assert bad_count(inspected) == 2


def test_names_a_sketch_filed_under_another_class(release_dir):
    sketch(release_dir).rename(sketch(release_dir, class_name="car_(sedan)"))
    name = f"sketch/tx_000000000010/car_(sedan)/{APPLE}-1.png"
    assert found(inspect(release_dir)) == {"sketches_without_photo": [name]}


def test_names_duplicates_and_keeps_the_first(release_dir):
    shutil.copy(photo(release_dir), photo(release_dir, class_name="hot-air_balloon"))
    inspected = inspect(release_dir)
    (line,) = inspected.report["duplicates"]
    assert line.startswith(f"photo/tx_000100000000/hot-air_balloon/{APPLE}.jpg has the ID of ")
    assert line.endswith(f"photo/tx_000100000000/apple/{APPLE}.jpg")
    assert (bad_count(inspected), examples(inspected)) == (1, 18)


def test_notes_the_same_bytes_under_two_names(release_dir):
    shutil.copy(sketch(release_dir), sketch(release_dir, f"{APPLE}-2"))
    inspected = inspect(release_dir)
    folder = "sketch/tx_000000000010/apple"
    assert found(inspected) == {
        "identical_pictures": [f"{folder}/{APPLE}-2.png is {folder}/{APPLE}-1.png"]
    }
    assert (bad_count(inspected), examples(inspected)) == (0, 18)


def test_notes_other_files_and_passes_over_what_systems_leave(release_dir):
    for name in ("notes.txt", "Thumbs.db", "._n90000001_100.jpg"):
        (photo(release_dir).parent / name).touch()
    (photo(release_dir).parents[1] / ".DS_Store").touch()
    assert found(inspect(release_dir)) == {"other_files": ["photo/tx_000100000000/apple/notes.txt"]}


def test_notes_a_folder_that_is_no_class_of_the_release(release_dir):
    (photo(release_dir).parents[1] / "apple (copy)").mkdir()
    assert found(inspect(release_dir)) == {"unknown_classes": ["apple (copy)"]}


@pytest.mark.parametrize("other", ["Apple", "apple ", "ap_ple"])
def test_names_folders_of_one_class_under_two_names(release_dir, other):
    sketch(release_dir).parent.rename(sketch(release_dir).parents[1] / other)
    inspected = inspect(release_dir, max_bad=10)
    assert inspected.report["classes_alike"] == [", ".join(sorted([other, "apple"]))]
    assert bad_count(inspected) == 1 + 3 + 6  # and photos and sketches that do not find each other


def test_classes_that_differ_by_more_are_no_fault():
    assert listing.alike(["ant", "aunt", "car_(sedan)", "car", "hot-air_balloon"]) == []
    assert listing.alike(["ice cream", "Ice_Cream", "ant", "Ant"]) == [
        "Ice_Cream, ice cream",
        "Ant, ant",
    ]
    both = [unicodedata.normalize(form, "café") for form in ("NFC", "NFD")]
    assert listing.alike(both) == ["café, café"]


def test_one_class_whose_accents_are_written_in_two_ways(release_dir):
    """The photos unpacked on macOS and the sketches not, as the list is."""
    for rendering, form in (("photo/tx_000100000000", "NFD"), ("sketch/tx_000000000010", "NFC")):
        folder = release_dir / "256x256" / rendering
        (folder / "apple").rename(folder / unicodedata.normalize(form, "apfel für täglich"))
    inspected = inspect(release_dir)
    assert found(inspected) == {"unknown_classes": ["apfel für täglich"]}
    assert inspected.class_names == ["apfel für täglich", "car_(sedan)", "hot-air_balloon"]
    assert inspected.examples()["train"]["apfel für täglich"]


def test_a_photo_may_have_any_ending_of_a_jpeg(release_dir):
    photo(release_dir).rename(photo(release_dir).with_suffix(".JFIF"))
    assert found(inspect(release_dir)) == {}


def test_names_that_are_no_utf8(release_dir, no_utf8):
    photo(release_dir).rename(photo(release_dir, no_utf8))
    for number in (1, 2):
        sketch(release_dir, f"{APPLE}-{number}").rename(sketch(release_dir, f"{no_utf8}-{number}"))
    (photo(release_dir).parent / f"{no_utf8}.txt").touch()
    inspected = inspect(release_dir)
    assert inspected.report["other_files"] == ["photo/tx_000100000000/apple/caf\\xe9.txt"]
    ids = {pair.sketch.id for pair in inspected.train + inspected.test}
    assert {r"caf\xe9-1", r"caf\xe9-2"} < ids


def test_splits_by_the_list(release_dir):
    assert {pair.photo.id for pair in inspect(release_dir).test} == {
        "n90000001_101",
        "n90000002_101",
        "n90000003_101",
    }


def test_splits_by_hash_without_the_list(release_dir):
    (release_dir / "info-06-04/info/testset.txt").unlink()
    inspected = inspect(release_dir)
    assert {pair.photo.id for pair in inspected.test} == {
        "n90000001_102",
        "n90000002_116",
        "n90000003_113",
    }
    assert not {pair.photo.id for pair in inspected.test} & {
        pair.photo.id for pair in inspected.train
    }


def test_the_hash_holds_out_a_tenth():
    ids = [f"n02691156_{number}" for number in range(20_000)]
    assert abs(len(inspection.held_out_by_hash(ids)) / len(ids) - 0.1) < 0.01


def test_the_hash_holds_out_the_same_photos_of_a_part():
    ids = [f"n02691156_{number}" for number in range(100)]
    assert inspection.held_out_by_hash(ids[:50]) == inspection.held_out_by_hash(ids) & set(ids[:50])


def test_the_hash_holds_out_one_photo_of_few():
    ids = [f"n02691156_{number}" for number in range(100)]
    few = sorted(set(ids) - inspection.held_out_by_hash(ids))[:5]
    assert len(inspection.held_out_by_hash(few)) == 1


def test_reads_the_lists(release_dir):
    inspected = inspect(release_dir)
    pairs = {pair.sketch.id: pair for pair in inspected.train + inspected.test}
    assert pairs[f"{APPLE}-2"].flags == ("error", "ambiguous")
    assert (pairs[f"{APPLE}-2"].stats.difficulty, pairs[f"{APPLE}-2"].stats.stroke_count) == (3, 5)
    assert pairs[f"{BALLOON}-1"].flags == ("pose",)
    assert inspected.examples()["train"]["apple"] == {"": 3, "error,ambiguous": 1}


def test_does_without_stats(release_dir):
    (release_dir / "info-06-04/info/stats.csv").unlink()
    stats = {pair.stats for pair in inspect(release_dir).train}
    assert [(row.difficulty, row.stroke_count) for row in stats] == [(-1, -1)]


def test_what_is_no_number_in_stats_is_unknown(release_dir):
    path = release_dir / "info-06-04/info/stats.csv"
    path.write_text(path.read_text().replace(f"{APPLE},1,2,4", f"{APPLE},1,,?"))
    (pair,) = [pair for pair in inspect(release_dir).train if pair.sketch.id == f"{APPLE}-1"]
    assert (pair.stats.difficulty, pair.stats.stroke_count) == (-1, -1)


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.replace("apple", "pomme gelée").encode("latin-1"),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace(",", ", ").encode(),
    ],
    ids=["BOM", "Latin-1", "CRLF", "spaces"],
)
def test_lists_that_another_program_saved_say_the_same(release_dir, encode):
    expected = {pair.sketch.id: (pair.flags, pair.stats) for pair in inspect(release_dir).train}
    for path in (release_dir / "info-06-04/info").iterdir():
        path.write_bytes(encode(path.read_text()))
    assert {
        pair.sketch.id: (pair.flags, pair.stats) for pair in inspect(release_dir).train
    } == expected
    assert {stats.difficulty for _, stats in expected.values()} > {1, 2}


@pytest.mark.parametrize("name", ["stats.csv", "testset.txt", "invalid-error.txt"])
def test_refuses_lists_in_utf_16(release_dir, name):
    path = release_dir / "info-06-04/info" / name
    path.write_text(path.read_text(), encoding="utf-16")
    with pytest.raises(
        UserError,
        match=f"^{path} is not plain text: save it as UTF-8, or extract the archive again$",
    ):
        inspect(release_dir)


def test_numbers_that_nobody_counted_are_unknown(release_dir):
    """As fuzzing found them: too long for the records, and too long for Python."""
    path = release_dir / "info-06-04/info/stats.csv"
    path.write_text(path.read_text().replace(f"{APPLE},1,2,4", f"{APPLE},1,{10**19},{'9' * 5000}"))
    (pair,) = [pair for pair in inspect(release_dir).train if pair.sketch.id == f"{APPLE}-1"]
    assert (pair.stats.difficulty, pair.stats.stroke_count) == (-1, -1)


def test_names_the_line_of_stats_that_cannot_be_read(release_dir):
    path = release_dir / "info-06-04/info/stats.csv"
    path.write_text(path.read_text() + f'"{"x" * 200_000}",1\n')
    with pytest.raises(
        UserError, match=rf"^{path}, line \d+: field larger than .*; mend it, or remove it"
    ):
        inspect(release_dir)


def test_rows_that_climb_out_of_the_folder_name_nothing(release_dir):
    """A row is compared with the names of pictures that are there; no file is opened by it."""
    path = release_dir / "info-06-04/info/testset.txt"
    rows = ["../../../secret.jpg", "/etc/passwd", "apple/../apple/n90000001_9.jpg"]
    path.write_text(path.read_text() + "\n".join(rows))
    inspected = inspect(release_dir)
    assert {f"testset.txt: {row}" for row in rows} < set(inspected.report["rows_without_file"])
    assert (bad_count(inspected), examples(inspected)) == (0, 18)


def test_refuses_stats_without_a_column(release_dir):
    path = release_dir / "info-06-04/info/stats.csv"
    path.write_text(path.read_text().replace("Stroke_Count", "Strokes"))
    with pytest.raises(UserError, match=r"stats.csv has no column Stroke_Count"):
        inspect(release_dir)


def test_refuses_a_missing_list_of_invalid_sketches(release_dir):
    (release_dir / "info-06-04/info/invalid-pose.txt").unlink()
    with pytest.raises(UserError, match=r"invalid-pose.txt is missing"):
        inspect(release_dir)


def test_statistics_are_those_of_the_training_pictures(release_dir):
    """Against NumPy over all pixels at once, decoded by Pillow."""
    inspected = inspect(release_dir)
    paths = {pair.photo.path for pair in inspected.train}
    photos = np.stack([np.asarray(Image.open(path).convert("RGB")) for path in paths]) / 255
    sketches = 1 - np.stack([_on_paper(pair.sketch.path) for pair in inspected.train]) / 255
    mean = photos.mean(axis=(0, 1, 2))
    assert len(photos) == 6
    np.testing.assert_allclose(inspected.statistics["photo_mean"], mean, atol=0.1 / 255)
    np.testing.assert_allclose(
        inspected.statistics["photo_scale"], np.abs(photos - mean).max(), atol=0.1 / 255
    )
    np.testing.assert_allclose(inspected.statistics["sketch_mean"], [sketches.mean()], rtol=1e-10)
    np.testing.assert_allclose(
        inspected.statistics["sketch_scale"], 1 - sketches.mean(), rtol=1e-10
    )


def _on_paper(path):
    grey, opacity = np.moveaxis(np.asarray(Image.open(path).convert("LA"), np.float64), -1, 0)
    return grey * opacity / 255 + 255 - opacity


@pytest.mark.ci
def test_the_real_part_adds_up(shared_dir):
    """Against the folder and the lists, read here in the plainest way."""
    sketchy, whole = shared_dir / "sketchy", "tx_000000000000"
    inspected = inspection.inspect([release.find(sketchy, None, whole, whole)], max_bad=0)
    sketches = {path.stem: path.parent.name for path in sketchy.rglob("*.png")}
    test_photos = set((sketchy / "info-06-04/info/testset.txt").read_text().split())
    test = {
        s for s, name in sketches.items() if f"{name}/{s.rpartition('-')[0]}.jpg" in test_photos
    }
    assert {pair.sketch.id for pair in inspected.test} == test
    assert {pair.sketch.id for pair in inspected.train} == sketches.keys() - test
    assert found(inspected) == {}
    for flag in ("error", "ambiguous", "pose", "context"):
        listed = set((sketchy / f"info-06-04/info/invalid-{flag}.txt").read_text().split())
        flagged = {
            pair.sketch.id for pair in inspected.train + inspected.test if flag in pair.flags
        }
        assert flagged == listed & sketches.keys()


def test_stops_at_more_bad_files_than_tolerated(release_dir, capsys):
    names = [f"{APPLE}-{k}" for k in (1, 2)]
    for name in names:
        empty(sketch(release_dir, name))
    with pytest.raises(UserError, match=r"bad files: 2.*--max_bad=1.*--max_bad=2"):
        inspect(release_dir, max_bad=1)
    report = capsys.readouterr().err
    assert all(f"apple/{name}.png: is empty" in report for name in names)
    assert examples(inspect(release_dir, max_bad=2)) == 16


def test_refuses_a_release_without_pairs(release_dir):
    shutil.rmtree(release_dir / "256x256/sketch/tx_000000000010")
    (release_dir / "256x256/sketch/tx_000000000010").mkdir()
    with pytest.raises(UserError, match="no photo with a sketch"):
        inspect(release_dir, max_bad=9)


def test_refuses_a_release_without_a_test_photo(release_dir):
    (release_dir / "info-06-04/info/testset.txt").write_text("apple/n90000001_9.jpg\n")
    with pytest.raises(UserError, match=r"by testset.txt no photo here is in the test split"):
        inspect(release_dir)


def test_labels_are_the_classes_of_the_release(shared_dir):
    labels = pathlib.Path(inspection.__file__).with_name("labels.txt").read_text().splitlines()
    rows = (shared_dir / "sketchy/info-06-04/info/testset.txt").read_text().splitlines()
    assert labels == sorted({row.partition("/")[0] for row in rows})

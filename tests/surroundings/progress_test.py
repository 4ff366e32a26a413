"""A log is lines, the first ones soon and then few; a terminal has a bar."""

from __future__ import annotations

import io
import sys

from sketch2img_tf.surroundings import progress


def test_a_log_is_lines_that_become_rare(capsys):
    with progress.bar(total=100_000, desc="preparing the first step", unit="step") as bar:
        bar.set_description(refresh=False)
        bar.unpause()
        for _ in range(100_000):
            bar.update()
            bar.set_postfix({"generator/supervised": "0.123"}, refresh=False)
    text = capsys.readouterr().err
    assert "\r" not in text and "\x1b" not in text and "\n\n" not in text
    first, *lines = text.splitlines()
    assert first.startswith("preparing the first step:   0%| 0/100000 [")
    done = [int(line.split("| ")[1].split("/")[0]) for line in lines]
    assert done == [2**n for n in range(1, 17)] + [100_000]  # it takes less than 30 seconds
    assert all(line.endswith(", generator/supervised=0.123]") for line in lines[1:])


def test_a_log_has_a_line_every_so_many_seconds(capsys, monkeypatch):
    monkeypatch.setattr(progress, "_SECONDS", 30)
    with progress.bar(total=100_000, initial=50_000, unit="step") as bar:
        now = [bar.start_t]
        bar._time = lambda: now[0]
        for _ in range(1000):
            now[0] += 1
            bar.update()
    done = [
        int(line.split("| ")[1].split("/")[0]) - 50_000
        for line in capsys.readouterr().err.splitlines()
    ]
    assert done[:6] == [0, 2, 4, 8, 16, 32] and done[-1] == 1000
    assert all(after - before <= 30 for before, after in zip(done, done[1:]))
    assert len(done) < 1000 / 30 + 12


def test_a_bar_that_would_not_stay_leaves_a_log_alone(capsys):
    assert list(progress.bar(range(5), "reading", leave=False)) == [0, 1, 2, 3, 4]
    assert capsys.readouterr().err == ""


def test_a_bar_that_is_disabled_without_a_terminal(capsys):
    assert list(progress.bar(range(5), "reading", leave=False, disable=None)) == [0, 1, 2, 3, 4]
    assert capsys.readouterr().err == ""


def test_a_terminal_has_a_bar(monkeypatch):
    log = io.StringIO()
    log.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", log)
    assert list(progress.bar(range(3), "reading", unit="file")) == [0, 1, 2]
    assert log.getvalue().startswith("\rreading:   0%|") and log.getvalue().count("\n") == 1

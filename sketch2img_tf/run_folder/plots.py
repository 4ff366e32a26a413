"""Plots of a run's scalars over the steps."""

from __future__ import annotations

import os

_PLOTS = {
    "discriminator_losses": (
        "discriminator/gan",
        "discriminator/classification",
        "discriminator/dragan",
        "discriminator/r1",
    ),
    "generator_losses": (
        "generator/gan",
        "generator/classification",
        "generator/supervised",
        "generator/perceptual",
        "generator/diversity",
        "generator/critic",
    ),
    "critic": ("critic/hinge", "critic/real_accuracy", "critic/fake_accuracy"),
    "accuracies": (
        "discriminator/class_accuracy",
        "discriminator/real_accuracy",
        "discriminator/fake_accuracy",
    ),
    "fakes": ("fakes/mean", "fakes/deviation", "held_out_l1"),
}


def write_plots(lines: list[dict], folder: str) -> list[str]:
    """Draws the losses, accuracies and fakes' statistics over the steps as PNG files.

    Args:
      lines: as from `summaries.read_scalars`; tags that are in no line are not plotted.
      folder: is created if it is missing.

    Returns:
      The files' paths.
    """
    os.makedirs(folder, exist_ok=True)
    drawn = {
        name: [tag for tag in tags if any(tag in line for line in lines)]
        for name, tags in _PLOTS.items()
    }
    return [
        _plot(lines, tags, os.path.join(folder, f"{name}.png"))
        for name, tags in drawn.items()
        if tags
    ]


def _plot(lines: list[dict], tags: list[str], path: str) -> str:
    # Here: it takes a second, and plots come last. Not pyplot, which looks for a screen and keeps
    # every figure.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    for tag in tags:
        points = [(line["step"], line[tag]) for line in lines if tag in line]
        axes.plot(*zip(*points), label=tag, linewidth=1)
    axes.set_xlabel("step")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)
    return path

"""All options of a run, one file per group: defaults, help texts, bounds and choices."""

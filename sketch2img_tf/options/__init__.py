"""Every option of a run, a group per file: its default, help, bounds and choices stand here and nowhere else."""

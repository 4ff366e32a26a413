"""The commands that the wheel installs too: flags, then one call."""

from sketch2img_tf import versions

versions.check_drawing()

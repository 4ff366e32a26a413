"""Imported before anything else by whatever will import TensorFlow: ends the program where a
version does not fit.

Drawing with a LiteRT model takes none of these libraries, so that `import sketch2img_tf` asks for
none.
"""

from sketch2img_tf import versions
from sketch2img_tf.surroundings import lanes

versions.check()
lanes.import_quietly()

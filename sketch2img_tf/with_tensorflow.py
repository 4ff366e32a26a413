"""Whatever imports TensorFlow imports this first: it ends the program if a version does not fit.

It does not import TensorFlow itself, which takes seconds: a command first parses its flags.

Drawing with a LiteRT model needs none of these libraries, so that `import sketch2img_tf` does not
check them.
"""

from sketch2img_tf import versions
from sketch2img_tf.surroundings import lanes

versions.check()
lanes.quieten_import()

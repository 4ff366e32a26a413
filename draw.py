"""The command draw.py; `sketch2img_tf/commands/draw.py` has its flags and its text."""

from sketch2img_tf.commands import draw

if __name__ == "__main__":
    draw.run()

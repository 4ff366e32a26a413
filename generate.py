"""The command generate.py; `sketch2img_tf/commands/generate.py` has its flags and its text."""

from sketch2img_tf.commands import generate

if __name__ == "__main__":
    generate.run()

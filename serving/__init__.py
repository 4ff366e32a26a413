"""Clients of a server; sketch2img_tf/serving has what is served."""

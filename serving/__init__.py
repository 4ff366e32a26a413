"""Clients of a server; sketch2img_tf/export writes what is served."""

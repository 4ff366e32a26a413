"""A page in one HTML file, with nothing outside it: its pictures are written into it."""

from __future__ import annotations

import base64
import html


def page(title: str, style: str, body: str) -> str:
    """The file's text.

    Args:
      title: as it is to be read; it is the heading too.
      style: CSS rules beside those of every page.
      body: HTML.
    """
    return _PAGE.format(title=html.escape(title), style=style, body=body)


def image(png: bytes, description: str) -> str:
    """An element that shows a PNG, described to those who cannot see it."""
    data = base64.b64encode(png).decode()
    return f'<img alt="{html.escape(description)}" src="data:image/png;base64,{data}">'


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font: 14px system-ui, sans-serif; margin: 24px; background: #f4f4f2; color: #222; }}
{style}</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""

"""One HTML file that needs no other file: its pictures are inside."""

from __future__ import annotations

import base64
import html


def page(title: str, style: str, body: str) -> str:
    """The file's text.

    Args:
      title: plain text; it is the heading, too.
      style: CSS rules, in addition to those of every page.
      body: HTML.
    """
    return _PAGE.format(title=html.escape(title), style=style, body=body)


def image(png: bytes, description: str) -> str:
    """An HTML element that shows a PNG, with a description for people who cannot see it."""
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

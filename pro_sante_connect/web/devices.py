"""Six coarse device families, enough for a person to recognise their own."""

from flask import request

FAMILIES = (
    ("iPhone", "iphone"),
    ("iPad", "ipad"),
    ("Android", "android"),
    ("Windows", "windows"),
    ("Mac", "macintosh"),
)


def device_family() -> str:
    """`iPhone`, `iPad`, `Android`, `Windows`, `Mac`, `Linux` or `""`."""
    agent = request.headers.get("User-Agent", "")[:300].lower()
    family = next((name for name, mark in FAMILIES if mark in agent), "")
    return family or ("Linux" if "linux" in agent else "")

"""What every page must be: accessible to axe at both widths and in both schemes, and never wider than its window."""

import os
from pathlib import Path
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

SHOTS = Path(os.environ.get("SCREENSHOTS", "artifacts"))
WIDTHS = (320, 1280)
TAGS = ["RGAAv4", "wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
EVERYTHING = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations", "incomplete"]}
# A scheme changes colours alone.
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}, "resultTypes": ["violations", "incomplete"]}


def judge(page: Page) -> list[str]:
    """What is wrong with a page. Nothing: axe has nothing to say and is sure of it, nothing scrolls sideways."""
    page.evaluate(AXE_SCRIPT)
    wrong = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        if not page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"):
            wrong.append(f"{width}: wider than its window")
        wrong += [f"{width}: {one}" for one in _found(page, EVERYTHING)]
    page.emulate_media(color_scheme="dark")
    wrong += [f"dark: {one}" for one in _found(page, COLOURS)]
    page.emulate_media(color_scheme="light")
    return wrong


def _found(page: Page, options: dict[str, Any]) -> list[str]:
    """Rules that are broken, and rules that could not be judged."""
    answer = page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{kind} {one['id']}: {node['html'][:200]} {[why['message'] for why in node['any']]}"
        for kind in ("violations", "incomplete")
        for one in answer[kind]
        for node in one["nodes"]
        if not (kind == "incomplete" and one["id"] == "color-contrast" and _out_of_sight(page, node["target"][0]))
    ]


def _out_of_sight(page: Page, selector: str) -> bool:
    """The colours of cells that a narrow window scrolls out of sight cannot be seen there: the wide one shows them."""
    narrow = page.viewport_size is not None and page.viewport_size["width"] == min(WIDTHS)
    return narrow and bool(page.locator(selector).evaluate("node => node.closest('.scroll') !== null"))


def picture(page: Page, name: str) -> None:
    """Kept for eyes."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png", full_page=True)

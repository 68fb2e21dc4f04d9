"""The pages as HTML text: templates filled, with a content security policy that runs only the project's own scripts."""

import hashlib
import json
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from .words import TRUST

_HERE: Final = Path(__file__).parent
_ASSETS: Final = _HERE / "assets"
STYLE: Final = "style.css"


def render(template: str, scripts: tuple[str, ...] = (), /, **values: Any) -> str:
    """A page: `template`, with these scripts of `assets/` after `theme.js`, and the values it names.

    Text in values is escaped. Scripts stand in the page, so that a page that is opened from a file works as well, and
    the policy names them by their hashes: nothing else runs.
    """
    texts = {name: asset(name) for name in ("theme.js", *scripts)}
    hashes = " ".join(
        f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in texts.values()
    )
    # Pages opened from a file have an origin that 'self' does not cover in every browser.
    policy = (
        f"default-src 'none'; script-src {hashes}; style-src 'self' file:; img-src 'self' file: data:; "
        "base-uri 'none'; form-action 'none'"
    )
    theme, *others = (Markup(text) for text in texts.values())
    return _environment().get_template(template).render(policy=policy, theme=theme, scripts=others, **values)


@cache
def asset(name: str) -> str:
    """The text of a file in `assets/`."""
    return (_ASSETS / name).read_text(encoding="utf-8")


def embedded(data: Mapping[str, Any]) -> Markup:
    """Data as JSON that can stand in a `<script>` element: no text in it can end the element or open a comment."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(version=version("motifzoo"), trust_words=TRUST)
    return environment

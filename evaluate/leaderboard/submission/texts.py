"""The text files of a submission: plain text in README.md, harmless YAML at its head, harmless SVG.

A reader of the board, a terminal or a browser will see them; what could mislead or run there is refused.
"""

import html
import re
import unicodedata
from typing import Any, Final
from xml.parsers import expat

import yaml  # type: ignore[import-untyped]

from .limits import LIMITS, Limits, printable

_UNUSUAL: Final = re.compile(r"\r(?!\n)|[^\r\n\t -~]")
_UNSEEN: Final = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")  # controls, marks of direction, unassigned, separators
_MATTER: Final = re.compile(r"---[ \t]*\n(?P<yaml>.*?\n)?---[ \t]*(\n|$)", re.DOTALL)
_HTML: Final = re.compile(r"<(?!https?://)[A-Za-z/!?][^\s>]{0,40}")
_ACTIVE_LINK: Final = re.compile(r"(?:\]\(|\]:|<)\s*<?((?:javascript|vbscript|data|file)\s*:)", re.IGNORECASE)
_EVENTS: Final = 20_000  # of a front matter
_DEPTH: Final = 16

# What motifzoo's own figures are made of.
_SVG_ELEMENTS: Final = frozenset({"svg", "g", "defs", "symbol", "use", "path", "rect", "line", "text", "title"})
_SVG_ATTRIBUTES: Final = frozenset(
    {"aria-label", "class", "d", "fill", "fill-rule", "font-family", "font-size", "font-weight", "height", "href"}
    | {"id", "opacity", "preserveAspectRatio", "role", "stroke", "stroke-dasharray", "stroke-linecap", "stroke-width"}
    | {"text-anchor", "transform", "viewBox", "width", "x", "x1", "x2", "xmlns", "y", "y1", "y2"}
)


def check_text(path: str, content: bytes) -> list[str]:
    """Why bytes are not plain text: not UTF-8, a script, or characters that nobody sees."""
    if content.startswith(b"#!"):
        return [f"{path} begins with #!, as a program does."]
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return [f"{path} is not text: its byte {error.start} is not UTF-8."]
    for found in _UNUSUAL.finditer(text):
        letter = found[0]
        if unicodedata.category(letter) in _UNSEEN:
            line = text.count("\n", 0, found.start()) + 1
            name = unicodedata.name(letter, "a control character")
            return [f"{path} holds U+{ord(letter):04X} ({name}) in line {line}, which nobody can see. Remove it."]
    return []


def check_readme(content: bytes, licence: str | None, limits: Limits = LIMITS) -> list[str]:
    """Why a README.md is not plain Markdown: active content, raw HTML, a front matter that is not harmless YAML.

    licence: what config.json states, which the front matter must not contradict; None where it is not known.
    """
    if reasons := check_text("README.md", content):
        return reasons
    text = content.decode("utf-8-sig").replace("\r\n", "\n")
    found = _MATTER.match(text)
    if found is not None:
        reasons += _check_front_matter(found["yaml"] or "", licence, limits)
        text = text[found.end() :]
    elif text.startswith("---"):
        reasons.append("README.md begins a front matter (---) that it does not end.")
    # In code it would be harmless, but what is code, one reader of Markdown sees otherwise than the next.
    if (tag := _HTML.search(text)) is not None:
        reasons.append(f"README.md holds HTML ({printable(tag[0], 60)}...). Write plain Markdown, and &lt; for <.")
    if (link := _ACTIVE_LINK.search(html.unescape(text).replace("\\", ""))) is not None:
        reasons.append(f"README.md has a link to {printable(link[1], 60)}, which runs or holds something.")
    return reasons


def _check_front_matter(text: str, licence: str | None, limits: Limits) -> list[str]:
    size = len(text.encode())
    if size > limits.front_matter_bytes:
        return [f"README.md has a front matter of {size:,} bytes; the limit is {limits.front_matter_bytes:,}."]
    try:
        if reason := _wrong_events(text):
            return [f"README.md has a front matter {reason}."]
        content = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        return [f"README.md has a front matter that is not YAML: {printable(' '.join(str(error).split()))}."]
    if content is None:
        return []
    if not isinstance(content, dict):
        return ["README.md has a front matter that is not a list of fields (name: value)."]
    return _check_licence(content, licence)


def _wrong_events(text: str) -> str:
    """What in a YAML text could grow or run, told from its events, before anything is made of them."""
    depth = 0
    for number, event in enumerate(yaml.parse(text, Loader=yaml.SafeLoader)):
        if number > _EVENTS:
            return f"of more than {_EVENTS:,} parts"
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            return "with anchors or aliases (& and *), which can grow without end"
        if getattr(event, "tag", None) is not None:
            return f"with the tag {printable(str(event.tag), 60)}; only plain values belong there"
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEPTH:
            return f"nested more than {_DEPTH} deep"
    return ""


def _check_licence(matter: dict[Any, Any], licence: str | None) -> list[str]:
    stated = matter.get("license")
    if licence is None or stated is None:
        return []
    if isinstance(stated, str) and stated.lower() in (licence.lower(), "other"):
        return []
    return [
        f"README.md says license: {printable(str(stated), 60)} and config.json says {printable(licence, 60)}: they "
        "must agree."
    ]


def check_svg(path: str, content: bytes) -> list[str]:
    """Why an SVG is not a still picture: anything but the elements and attributes of motifzoo's own figures."""
    if reasons := check_text(path, content):
        return reasons
    reasons = []
    parser = expat.ParserCreate()

    def refuse(what: str) -> None:
        if not reasons:
            reasons.append(f"{path} holds {printable(what, 80)}, which no figure of motifzoo has. Leave the file out.")

    def element(name: str, attributes: dict[str, str]) -> None:
        if name not in _SVG_ELEMENTS:
            refuse(f"the element {name}")
        for attribute, value in attributes.items():
            if attribute not in _SVG_ATTRIBUTES or (attribute == "href" and not value.startswith("#")):
                refuse(f"the attribute {attribute}={value!r}")
            elif "url(" in value.lower():
                refuse(f"the value {value!r}")

    def doctype(*_: object) -> None:
        # Nothing behind it is read: entities can grow without end, or name other files.
        raise _DoctypeError

    def instruction(target: str, _: str) -> None:
        refuse(f"the instruction {target}")

    parser.StartElementHandler = element
    parser.StartDoctypeDeclHandler = doctype
    parser.ProcessingInstructionHandler = instruction
    try:
        parser.Parse(content, True)
    except _DoctypeError:
        return [f"{path} holds a document type, which no figure of motifzoo has. Leave the file out."]
    except (expat.ExpatError, ValueError) as error:
        return [f"{path} is not an SVG: {printable(str(error))}."]
    return reasons


class _DoctypeError(Exception):
    """Ends the parsing of an SVG at its document type."""

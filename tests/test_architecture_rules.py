"""Rules that no linter checks: which folder may import which, how long a module may be, nothing private in files."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "motifzoo"
CLI = "motifzoo.evaluate.cli"
MAX_LINES = 400

# What each part may import of the package, itself included; "" is what stands beside the folders.
ALLOWED = {
    "": {""},
    "data_cards": {"", "data_cards"},
    "zoo": {"", "data_cards", "zoo"},
    "evaluate": {"", "data_cards", "zoo", "evaluate"},
}

# Written so that this file does not match itself.
PRIVATE = re.compile(
    r"/[w]ork/|/[f]arm/|/[r]oot/|/[o]pt/wheels|[p]ypi\.org|[p]ythonhosted|[r]egistry\.npmjs|[d]eb\.debian",
    re.IGNORECASE,
)


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    found = {}
    for folder in (PACKAGE, *(PACKAGE / name for name in ALLOWED if name)):
        # A plain glob does not enter linked folders, so each is walked by its own name.
        for path in folder.rglob("*.py"):
            parts = path.relative_to(PACKAGE).with_suffix("").parts
            found[".".join(("motifzoo", *parts)).removesuffix(".__init__")] = path
    return found


def imports(source: str, module: str, *, is_package: bool) -> Iterator[str]:
    """Dotted names of what a module imports from the package, wherever in the module it does."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = module.split(".")[: None if is_package else -1]
                parents = parents[: len(parents) - node.level + 1]
                base = ".".join([*parents, *([node.module] if node.module else [])])
            names = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] == "motifzoo")


def part(name: str) -> str:
    """The folder a dotted name stands in, "" for what is beside the folders."""
    second = name.split(".")[1] if "." in name else ""
    return second if second in ALLOWED else ""


def broken_rules(source: str, module: str, *, is_package: bool = False) -> list[str]:
    """What a module imports and must not."""
    wrong = []
    for name in imports(source, module, is_package=is_package):
        # The package's front door offers what the folders hold, so it may import from each.
        if module != "motifzoo" and part(name) not in ALLOWED[part(module)]:
            wrong.append(f"{module} imports {name}")
        if f"{name}.".startswith(f"{CLI}.") and not f"{module}.".startswith(f"{CLI}."):
            wrong.append(f"{module} imports the command line, {name}")
    return wrong


def test_imports_point_one_way() -> None:
    wrong = [
        problem
        for module, path in modules().items()
        for problem in broken_rules(path.read_text(encoding="utf-8"), module, is_package=path.name == "__init__.py")
    ]
    assert wrong == []


def test_every_folder_is_looked_at() -> None:
    names = set(modules())
    assert {"motifzoo", "motifzoo.errors", "motifzoo.data_cards", "motifzoo.data_cards.cards"} <= names
    assert {"motifzoo.zoo.training", "motifzoo.evaluate.results"} <= names


@pytest.mark.parametrize(
    ("module", "source", "problems"),
    [
        ("motifzoo.zoo.a", "from ..data_cards.cards import Card", []),
        ("motifzoo.zoo.a", "from ..errors import ModelError\nfrom . import b\nimport torch", []),
        ("motifzoo.zoo.a", "from .. import evaluate", ["motifzoo.zoo.a imports motifzoo.evaluate"]),
        ("motifzoo.data_cards.a", "from ..zoo import b", ["motifzoo.data_cards.a imports motifzoo.zoo.b"]),
        ("motifzoo.data_cards.a", "import motifzoo.zoo.b", ["motifzoo.data_cards.a imports motifzoo.zoo.b"]),
        ("motifzoo.errors", "def f():\n    from .zoo.b import c", ["motifzoo.errors imports motifzoo.zoo.b.c"]),
        (
            "motifzoo.evaluate.a",
            "from .cli import x",
            ["motifzoo.evaluate.a imports the command line, motifzoo.evaluate.cli.x"],
        ),
        ("motifzoo.evaluate.a", "from .climate import x\nimport evaluate", []),
        ("motifzoo.evaluate.cli", "from . import results", []),
    ],
)
def test_the_check_of_imports_finds_what_it_should(module: str, source: str, problems: list[str]) -> None:
    assert broken_rules(source, module) == problems


def test_a_package_resolves_its_own_level() -> None:
    found = broken_rules("from . import evaluate\nfrom .zoo import x", "motifzoo.data_cards", is_package=True)
    assert found == []
    assert list(imports("from . import b", "motifzoo.zoo", is_package=True)) == ["motifzoo.zoo.b"]


IMPORTED_AS = {"pyyaml": "yaml"}


def test_every_import_from_elsewhere_is_a_declared_dependency() -> None:
    """What another dependency happens to bring along may be gone in its next release."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]["dask"]
    declared = {re.split(r"[^a-z0-9-]", entry)[0] for entry in project["dependencies"] + extras}
    declared = {IMPORTED_AS.get(name, name.replace("-", "_")) for name in declared}
    used = {
        name.split(".")[0]
        for path in modules().values()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in absolute_imports(node)
    }
    assert used - declared - set(sys.stdlib_module_names) - {"motifzoo"} == set()


def absolute_imports(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []


def test_modules_are_short() -> None:
    lines = {module: path.read_text(encoding="utf-8").count("\n") for module, path in modules().items()}
    assert {module: count for module, count in lines.items() if count > MAX_LINES} == {}


def files_of_the_project() -> list[Path]:
    """Files that are tracked or about to be."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is no git checkout, so which files belong to the project is not known")
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def test_files_name_no_machine_and_no_registry_host() -> None:
    wrong = []
    for path in files_of_the_project():
        content = path.read_bytes()
        if b"\0" in content:
            continue
        for number, line in enumerate(content.decode("utf-8").splitlines(), 1):
            if PRIVATE.search(line):
                wrong.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert wrong == []


def test_the_check_of_files_finds_what_it_should() -> None:
    found = ["open('/" + "work/x')", "https://files.python" + "hosted.org/x", "https://PYPI" + ".org/simple"]
    assert [line for line in [*found, "a framework/of", "pip install torch"] if PRIVATE.search(line)] == found

"""What a repository of each kind holds: a model's, a data set's, a site's."""

import re
import shutil
from pathlib import Path
from typing import Final

from ...data_cards.cards import card_folder, read_card
from ...data_cards.export import export_parquet
from ...data_cards.load import load_dataset
from ...data_cards.pages import write_pages
from ...data_cards.store import is_built
from ...errors import DataError, HubError, ModelError
from ...zoo.config import read_config
from ...zoo.sources import weights_path
from ...zoo.weights import check_hash, read_weights
from .files import collect
from .push import Wanted

_MODEL: Final = (".json", ".md", ".svg", ".png", ".safetensors", ".txt", ".yaml")
_DATASET: Final = (".json", ".md", ".parquet", ".toml", ".txt", ".yaml")
_SITE: Final = (
    *(".html", ".css", ".js", ".json", ".svg", ".png", ".webp", ".ico", ".woff2", ".txt", ".md", ".xml"),
    *(".csv", ".tsv", ".meme", ".parquet", ".safetensors"),
)
_TRIAL: Final = re.compile(r"(?:trial-[0-9]+/)?(?:model\.safetensors|training\.json)")
_SPACE: Final = """\
---
title: {title}
sdk: static
app_file: index.html
pinned: false
---

# {title}

Pages written by motifzoo; there is no server behind them.
"""


def model_files(folder: Path, results: dict[str, bytes]) -> Wanted:
    """A model folder with the weights that its config names, and `results`: the text of .eval_results/ by file name.

    Weights of trials that the config does not name are not published, and go where they were. Raises ModelError for a
    folder that is no model, has no card, or whose weights are not those of its config.
    """
    config = read_config(folder)
    found = collect(folder, _MODEL)
    if "README.md" not in found.files:
        raise ModelError(f"{folder} has no README.md, the model's card. `motifzoo submit` and training write one.")
    named = set()
    for trial in config.trials:
        weights = weights_path(folder, trial.trial)
        check_hash(weights, read_weights(weights), trial.sha256)
        named.add(weights.relative_to(folder).as_posix())
    extra = {path for path in found.files if path.endswith(".safetensors") and Path(path).name == "model.safetensors"}
    files = {path: content for path, content in found.files.items() if path not in extra - named}
    files |= {f".eval_results/{name}": text for name, text in results.items()}
    left_out = (*found.left_out, *sorted(extra - named))
    return Wanted(files, lambda path: _TRIAL.fullmatch(path) is not None, left_out)


def dataset_files(name: str, folder: Path, scratch: Path) -> Wanted:
    """A data set's tables, card and pages. One that is generated or was fetched is written to `scratch` first.

    `folder` is where its card is. Tables that the card does not have go. Raises DataError for a data set whose licence
    does not let us pass it on, and what loading it raises.
    """
    card = read_card(folder / "card.toml")
    if not card.licence or "not stated" in card.licence:
        raise DataError(
            f"data set {name!r} states no licence ({card.licence or 'none'}), so nobody may pass it on. State one in "
            f"{folder / 'card.toml'} if you have the right to, then publish it."
        )
    if not is_built(folder):
        if card_folder(name) != folder:
            raise DataError(f"{folder} has no tables. Export the data set with `motifzoo datasets export` first.")
        dataset = load_dataset(name)
        made = export_parquet(dataset, scratch / name).path
        for beside in ("audit.json", "LICENSE.txt"):
            if (folder / beside).is_file():
                shutil.copyfile(folder / beside, made / beside)
        write_pages(dataset, made)  # anew: the audit is part of them
        folder = made
    found = collect(folder, _DATASET)
    left_out = tuple(path for path in found.left_out if not path.startswith(".mapped"))
    return Wanted(found.files, lambda path: re.fullmatch(r"[^/]+\.parquet", path) is not None, left_out)


def site_files(folder: Path) -> Wanted:
    """A static Space: the pages of a folder, and a README that tells the hub so. What was there before goes.

    Raises HubError for a folder without index.html.
    """
    found = collect(folder, _SITE)
    if "index.html" not in found.files:
        raise HubError(f"{folder} has no index.html, so it is no site. `motifzoo leaderboard build` makes one.")
    files = dict(found.files)
    readme = folder / "README.md"
    if not (readme.is_file() and re.match(r"---\n(?:.*\n)*?sdk: static\n", readme.read_text(encoding="utf-8"))):
        files["README.md"] = _SPACE.format(title="motifzoo leaderboard").encode()
    return Wanted(files, lambda path: path != ".gitattributes", found.left_out)

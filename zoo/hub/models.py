"""A model on a hub: its config, then one trial's weights, and nothing else."""

from pathlib import Path
from typing import NamedTuple

from ...errors import HubError
from ..config import MAX_CONFIG_BYTES, ModelConfig, read_config
from ..shapes import plan
from ..sources import weights_path
from ..weights import MAX_HEADER_BYTES
from .address import HubAddress
from .client import connect


class FetchedTrial(NamedTuple):
    """One trial in the cache: the address pinned to a commit, the snapshot folder, the config, the trial's number."""

    address: HubAddress
    folder: Path
    config: ModelConfig
    trial: int


def fetch_trial(model: str, trial: int | None) -> FetchedTrial:
    """Fetch config.json and the weights of one trial (None: the first) of `hf://org/name[@revision]`.

    The revision is looked up once; both files are of that commit. What the config's layers do not need is not
    downloaded. Raises HubError, or ModelError for a config that is not valid or has no such trial.
    """
    address = HubAddress.parse(model)
    if address.repo_type != "model":
        raise HubError(f"{address} is no model repository. Write hf://org/name for a model.")
    hub = connect()
    sha = hub.resolve(address)
    folder = hub.fetch(address, sha, ["config.json"], max_bytes=MAX_CONFIG_BYTES)
    config = read_config(folder)
    number = trial if trial is not None else min(entry.trial for entry in config.trials)
    config.trial(number)
    weights = weights_path(Path(), number).as_posix()
    # Twice what the parameters take covers the running statistics of normalisation layers as well.
    limit = 8 * plan(config.layers, config.input_length).parameters + MAX_HEADER_BYTES
    hub.fetch(address, sha, [weights], max_bytes=limit)
    return FetchedTrial(address._replace(revision=sha), folder, config, number)

"""Who opened a pull request: the one name in a submission that the hub itself vouches for."""

from typing import Final

from huggingface_hub import HfApi, get_token

from ....zoo.hub.address import HubAddress
from ....zoo.hub.bounds import bounded
from ....zoo.hub.client import PATIENCE_SECONDS, connect
from ....zoo.hub.words import TROUBLES, in_words

_SILENCE: Final = 30.0  # seconds without an answer


def author_of(board: str, number: str) -> str:
    """The user who opened pull request `number` of the board `hf://ORG/NAME`. Raises HubError."""
    address, hub = HubAddress.parse(board, default="dataset"), connect()
    doing = f"asking who opened pull request {number} of {address}"
    api = HfApi(endpoint=hub.endpoint, token=get_token() or False, library_name="motifzoo")
    try:
        with bounded(doing, PATIENCE_SECONDS, _SILENCE):
            return api.get_discussion_details(address.repo_id, int(number), repo_type=address.repo_type).author
    except TROUBLES as error:
        raise in_words(error, address, doing, hub.endpoint, signed_in=hub.signed_in) from error

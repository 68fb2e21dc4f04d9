"""What the audit of a data set found, from the `audit.json` beside its card."""

from pathlib import Path
from typing import Final

from pydantic import ValidationError

from ...errors import DataError
from ..audit import Audit
from ..cards import Card
from ..findings import findings

AUDIT_FILE: Final = "audit.json"


def read_findings(folder: Path, card: Card) -> tuple[str, ...]:
    """The audit's findings as sentences; none without an audit. Raises DataError for one that is not of this data."""
    path = folder / AUDIT_FILE
    try:
        audit = Audit.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return ()
    except ValidationError as error:
        raise DataError(f"{path} is no audit. Make it again: python -m motifzoo.data_cards.refresh --audit.") from error
    if card.fingerprint and audit.fingerprint != card.fingerprint:
        raise DataError(
            f"{path} is of data with fingerprint {audit.fingerprint[:12]}, and the card of {card.name!r} says "
            f"{card.fingerprint[:12]}. Make it again: python -m motifzoo.data_cards.refresh --audit."
        )
    return findings(audit)

"""How much a submission may hold and ask for, and how refusals are put."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ....errors import BoardError

_SHOWN: Final = 20  # reasons of one refusal


@dataclass(frozen=True)
class Limits:
    """Upper limits on a submission.

    files, folder_bytes: of the whole folder. text_bytes: of each text file but config.json; front_matter_bytes: of the
    YAML at the head of README.md. weights_bytes: of each safetensors file. trials: in config.json. filters: whose
    motifs are searched. numbers: activations of one sequence that a layer holds. operations: additions and
    multiplications of one evaluation (see `cost`). recurrent: LSTM layers, whose steps wait for each other.
    """

    files: int = 200
    folder_bytes: int = 500_000_000
    text_bytes: int = 8_000_000
    front_matter_bytes: int = 64_000
    weights_bytes: int = 200_000_000
    trials: int = 50
    filters: int = 1024
    numbers: int = 500_000
    operations: float = 1e15
    recurrent: int = 8


LIMITS: Final = Limits()


def printable(text: str, most: int = 200) -> str:
    """`text` with everything that a terminal or a reader could be misled by written as an escape, cut to `most`.

    Only printable ASCII passes: names and texts of a stranger may hold control sequences, letters that look like
    others, or marks that turn the direction of writing.
    """
    safe = "".join(
        letter if letter.isascii() and letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text[: most + 1]
    )
    return safe if len(safe) <= most else safe[: most - 3] + "..."


def refusal(what: str, reasons: Sequence[str]) -> BoardError:
    """The error that lists why `what` is refused, one reason a line."""
    shown = [f"  - {reason}" for reason in reasons[:_SHOWN]]
    if len(reasons) > _SHOWN:
        shown.append(f"  - and {len(reasons) - _SHOWN} more reasons.")
    count = "one reason" if len(reasons) == 1 else f"{len(reasons)} reasons"
    return BoardError(f"{what} is refused for {count}:\n" + "\n".join(shown))

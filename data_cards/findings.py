"""An audit in plain sentences: what a user must know about a data set, the gravest first."""

from .audit import Audit
from .cards import SplitName


def findings(audit: Audit) -> tuple[str, ...]:
    """Sentences about leakage, near-duplicates, labels that conflict, chromosomes, other letters and GC content."""
    return (
        _leakage(audit),
        *_held_out(audit),
        *_near(audit),
        *_copies(audit),
        _chromosomes(audit),
        *_letters(audit),
        *_gc(audit),
    )


def _leakage(audit: Audit) -> str:
    if audit.leaked == 0:
        return "No test sequence is also in train, on either strand."
    verb, pronoun = ("is", "it") if audit.leaked == 1 else ("are", "them")
    return f"{_some(audit, audit.leaked, 'test')} {verb} also in train, on either strand: scores leave {pronoun} out."


def _held_out(audit: Audit) -> list[str]:
    """Duplicates that the validation split has, and labels that differ across splits."""
    found = []
    for pair in audit.pairs:
        if pair.duplicates and "valid" in (pair.first, pair.second):
            verb = "is" if pair.duplicates == 1 else "are"
            text = f"{_some(audit, pair.duplicates, pair.second)} {verb} also in {pair.first}"
            if pair.second == "valid":
                found.append(f"{text}, which flatters the validation score that training watches.")
            else:
                found.append(f"{text}; scores keep such sequences, for no weight is fitted to the validation split.")
        if pair.conflicting:
            verb = "is" if pair.conflicting == 1 else "are"
            found.append(f"{_some(audit, pair.conflicting, pair.second)} {verb} in {pair.first} with other labels.")
    return found


def _near(audit: Audit) -> list[str]:
    found = []
    for pair in audit.pairs:
        if pair.near_duplicates:
            verb = "shares" if pair.near_duplicates == 1 else "share"
            found.append(
                f"{_some(audit, pair.near_duplicates, pair.second)} {verb} {audit.stretch} nt or more in a row with "
                f"one in {pair.first} without being the same; scores keep such sequences."
            )
    return found


def _copies(audit: Audit) -> list[str]:
    found = []
    for name, split in audit.splits.items():
        if split.extra_copies:
            verb = "repeats" if split.extra_copies == 1 else "repeat"
            text = f"{_some(audit, split.extra_copies, name)} {verb} another one of {name}"
            if split.conflicting:
                text += f", {split.conflicting:,} of those repeated with different labels"
            found.append(text + ".")
    return found


def _chromosomes(audit: Audit) -> str:
    if all(pair.shared_chromosomes is None for pair in audit.pairs):
        return "The data set has no coordinates: the splits could not be compared by chromosome."
    shared = [
        f"{pair.first} and {pair.second} ({', '.join(pair.shared_chromosomes)})"
        for pair in audit.pairs
        if pair.shared_chromosomes
    ]
    return f"Chromosomes are shared by {'; '.join(shared)}." if shared else "No chromosome is in two splits."


def _letters(audit: Audit) -> list[str]:
    letters = sum(split.non_acgt_letters for split in audit.splits.values())
    if letters == 0:
        return []
    holders = sum(split.non_acgt_sequences for split in audit.splits.values())
    total = sum(split.sequences for split in audit.splits.values())
    return [
        f"Letters that are not A, C, G or T, which networks read as blanks: {letters:,}, in {holders:,} of {total:,} "
        "sequences."
    ]


def _gc(audit: Audit) -> list[str]:
    """The class that GC content alone tells best on the test split."""
    areas = {
        label: found.gc_auroc for label, found in audit.splits["test"].classes.items() if found.gc_auroc is not None
    }
    if not areas:
        return []
    label = max(areas, key=lambda name: abs(areas[name] - 0.5))
    direction = "more" if areas[label] >= 0.5 else "less"
    area = max(areas[label], 1 - areas[label])
    return [
        f"On test, GC content alone tells class {label!r} with AUROC {area:.2f} (positives have {direction}; 0.50 is "
        "chance)."
    ]


def _some(audit: Audit, count: int, split: SplitName) -> str:
    return f"{count:,} of {audit.splits[split].sequences:,} {split} sequences"

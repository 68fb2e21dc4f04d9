"""The protocol's constants: what every published number was computed with. A change here is a new protocol version."""

from typing import Final

PROTOCOL: Final = 1

ACTIVATION_THRESHOLD: Final = 0.5  # section 4: a site's map exceeds this share of its filter's maximum
WINDOW: Final = 20  # nt, the columns of a filter's matrix
WINDOW_BEFORE: Final = 10  # a window starts this many positions before its site
E_VALUE: Final = 0.1  # the largest of a hit

SEQUENCES: Final = 500  # section 5: the first test sequences with label 1
REFERENCES: Final = 10  # shuffled references a sequence
SEED: Final = 0  # of the shuffles
STEPS: Final = 20  # of integrated gradients
SCAN_P_VALUE: Final = 1e-4  # below: a window of real DNA is an instance of a known motif
METHODS: Final = ("saliency", "mutagenesis", "integrated_gradients", "deepshap")

PARAMETERS: Final = {
    "filters/activation_threshold": ACTIVATION_THRESHOLD,
    "filters/window": WINDOW,
    "filters/e_value": E_VALUE,
    "attribution/sequences": SEQUENCES,
    "attribution/references": REFERENCES,
    "attribution/integrated_gradients/steps": STEPS,
    "attribution/scan_p_value": SCAN_P_VALUE,
}

"""What speaks for and against one provider: one pure function a signal, each returning a value 0..1 and the line that says why.

The list at the end is the whole of it: to add a signal, write its function and its line there. score = relevance × Σ wᵢfᵢ ÷ Σ wᵢ, where relevance
is the fit of the type. Gathering the facts is left to `matching.candidates`, adding the values up to `matching.rank`.
"""

from typing import Final

from matching.signals.base import Facts, Reading, Reason, Signal
from matching.signals.carrier import read_accreditation, read_quality, read_responsiveness
from matching.signals.cost import read_budget, read_own_part
from matching.signals.fit import read_spec_fit, read_type_fit
from matching.signals.place import read_distance
from matching.signals.time import read_slot

__all__ = ["SIGNALS", "Facts", "Reading", "Reason", "Signal", "read_type_fit"]

SIGNALS: Final[tuple[Signal, ...]] = (
    Signal("spec_fit", 4, read_spec_fit),
    Signal("distance", 4, read_distance),
    Signal("own_part", 3, read_own_part),
    Signal("slot", 3, read_slot),
    Signal("budget", 2, read_budget),
    Signal("quality", 2, read_quality),
    Signal("responsiveness", 1, read_responsiveness),
    Signal("accreditation", 1, read_accreditation),
)

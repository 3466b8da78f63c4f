"""The parts of the sample history: rows as the verbs write them, who takes part, what happens, and the calendar ahead."""

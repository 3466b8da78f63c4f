"""Which provider fits a need? Words to types, types to candidates, candidates to a ranked list with reasons. Reads, computes, changes nothing."""

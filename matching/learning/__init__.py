"""What people chose from lists, and what is learnt from it: the log, its measures, a click model, a re-ranker that must prove its gain."""

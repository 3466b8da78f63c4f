"""The parts of the sample world of places: how large it is, what its inventions are called, and what its instruments are like."""

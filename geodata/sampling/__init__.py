"""The parts of the sample world of places.

`world` says how large it is, `names` what its inventions are called and which place is known for which trade, `organisations` where they
stand, `types` how common, dear and quick the instruments are, and `instruments` draws them.
"""

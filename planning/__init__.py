"""Where is the gap? Sums over regions for planners: read only, pure where it can be. Does not know how needs are matched."""

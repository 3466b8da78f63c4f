"""Side by side with a peer or with the limit, one line a figure: `name: ours X, peer Y, ratio Z`. Medians; these machines are noisy."""

"""Who takes part: enterprises and teams that join, carriers that are admitted, public notices and the objections to them."""

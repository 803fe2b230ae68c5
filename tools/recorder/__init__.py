"""Records what real programs log while they work and while they are broken on purpose, with the truth beside it."""

"""The pages that a person reads: rendered on the server, readable without scripts, without anything from elsewhere."""

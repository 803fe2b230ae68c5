"""The routes below /api/v1, and those by which a cluster asks how the service is."""

"""Steps from one layout of the database to the next, and back; run at the start of the service."""

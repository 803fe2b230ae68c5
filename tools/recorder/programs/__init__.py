"""One file a program: how it is started, kept busy and broken. Each has `PROGRAM` and `record(recording)`."""

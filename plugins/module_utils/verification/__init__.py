"""What a person expects of the running platform, as rows: expected, measured, verdict."""

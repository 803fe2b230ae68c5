"""Where log lines come from: files, journals, Loki, recordings."""

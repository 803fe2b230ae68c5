"""From a raw line to a typed event: format, severity, signature, noise, redaction, causes."""

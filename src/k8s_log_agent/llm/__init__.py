"""The local model: client, schema, prompts, server, benchmark."""

"""Similar records: embeddings, vector store, lexical search, fusion."""

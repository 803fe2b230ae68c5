"""What is made from the incidents elsewhere: a stream in Loki, an index in Chroma. The database stays the truth."""

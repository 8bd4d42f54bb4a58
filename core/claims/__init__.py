"""What of an answer has no source in the record of its thread."""

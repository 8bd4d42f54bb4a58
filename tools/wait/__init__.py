"""Waits that cost nothing: what a thread waits for, and looking whether it has happened."""

"""Experiments: what is measured, how, and when a difference is more than noise."""

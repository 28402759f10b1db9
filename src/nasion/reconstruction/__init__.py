"""Faces from skulls: generators, profiles and shape-true samples."""

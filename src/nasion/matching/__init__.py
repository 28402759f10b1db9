"""Matching a skull's radiograph or a sketch to photographs by landmark graphs (after Cranio-ID)."""

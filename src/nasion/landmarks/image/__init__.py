"""Landmarks in photographs and radiographs (Nguyen et al., heat maps and a graph with learnable connectivity)."""

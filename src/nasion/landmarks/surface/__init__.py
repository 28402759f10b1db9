"""Landmarks on 3D surfaces: a two-stage stratified graph network (2S-SGCN) and what it needs round it."""

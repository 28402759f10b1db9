"""Landmarks found by themselves: on surfaces, in photographs and in radiographs."""

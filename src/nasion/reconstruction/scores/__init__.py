"""How good generated faces are: distances of distributions, similarity to the truth, descriptors of identity."""

"""Floor 4: likelihood ratios and the wording of degrees of support."""

"""Floor 5: a case from input files to result.json."""

"""Floor 0: landmark names and pairs, planes, tissue vectors: the vocabulary of all packages."""

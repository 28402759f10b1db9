"""Published sets of images with landmarks, each in its own format; see ``folder.read_published``."""

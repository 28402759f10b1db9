"""Floor 1: camera, surface, contour, raster, registration."""

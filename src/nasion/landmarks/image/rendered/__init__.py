"""Pictures of 3D heads with their 68 points: free data to learn from; see ``making.make_faces``."""

"""Lilium: soft tissue sampled in cones by differential evolution, under plausibility penalties.

After Martinez-Moreno et al., "A Novel Evolutionary Method for Automated Skull-Face Overlay in Computer-Aided
Craniofacial Superimposition"; what it leaves open is in ``LiliumSettings`` and docs/lilium.md.
"""

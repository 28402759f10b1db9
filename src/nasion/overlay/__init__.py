"""Floor 3: skull-face overlay. One module a solver; all take an ``OverlayProblem`` and give an ``OverlaySolution``."""

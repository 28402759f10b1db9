"""What all trained networks share: sessions, checkpoints, published backbones. They know nothing of landmarks."""

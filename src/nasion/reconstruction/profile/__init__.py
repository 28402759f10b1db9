"""The soft-tissue profile of a lateral X-ray from its bone alone; see docs/profile.md."""

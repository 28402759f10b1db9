"""X-rays without their soft tissue: where the skull's silhouette is, and nothing but it; see docs/profile.md."""

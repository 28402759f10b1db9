"""Pictures of virtual people for matching: X-rays, portraits with and without hair, sketches."""

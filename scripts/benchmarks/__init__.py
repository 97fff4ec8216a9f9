"""Benchmarks of voxpeer against others, side by side in one run."""

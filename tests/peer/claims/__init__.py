"""Tests of the claim protocol."""

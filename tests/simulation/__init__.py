"""Many peers in one process and no time at all: the claim protocol under all faults.

``python -m tests.simulation --help`` says how to play it.
"""

"""The same steps as a person would write them with SimpleITK and numpy.

Each script takes no arguments, reads ``brain/`` in the current folder, and prints one
``label=value`` line per result.
"""

"""Voxpeer as it is used: several machines on a network, played by containers.

``scripts/harness`` runs the scenarios.  What they are made of:

    ``command``    commands with a limit of time
    ``engine``     a Docker engine: the one that answers, or one of our own
    ``base``       the system that the image is built from, and the wheels
    ``image``      the image that is tested
    ``lab``        networks and machines, removed at the end whatever happens
    ``machine``    one machine: its commands, its daemon, and what may befall it
"""

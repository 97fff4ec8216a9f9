"""Claims at work: the protocol of ``peer.claims`` with clock, network, and local runs.

:mod:`peer.daemon.claims.claiming` is its front door.
"""

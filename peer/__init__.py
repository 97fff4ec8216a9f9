"""The node as its users meet it: configuration, programs, and the command line."""

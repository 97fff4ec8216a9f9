"""Messages of protocol version 1, made from ``proto/voxpeer/v1``."""

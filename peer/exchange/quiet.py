"""Imported before gRPC is: what it writes to standard error is not for users.

gRPC reads the variable when it is loaded, and never again.
"""

from __future__ import annotations

import os

os.environ.setdefault("GRPC_VERBOSITY", "NONE")

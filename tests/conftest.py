"""What all tests share."""

import os

# Tests run side by side already, and a worker takes some seconds to load torch; who tests workers asks for them.
os.environ.setdefault("MECSIM_WORKERS", "1")

"""`python -m edgeproof` is `edgeproof`."""

import sys

from edgeproof.cli import main

sys.exit(main())

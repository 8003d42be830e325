"""Arrays in, arrays out: the only home of numpy."""

import os

# Read when numpy is imported, which nothing does before. A second thread of its linear algebra goes on spinning for a
# long while after each product, on the core that the database needs: it costs an analysis more than it saves.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

"""Scans many adverts: a verdict for each row of a table, and for each picture of a folder, however often it is cut off.

read ──▶ (fetch) ──▶ read pictures ──▶ open and classify ──▶ judge ──▶ write
rows     only when    bytes of          in parallel, each     in the    256 rows a part, done
         asked for    pictures          picture once          order     when its JSON file is
"""

import os

# Every core has pictures of its own. numpy's threads would wait for each other in a loop, a fifth of all time; it reads
# this when it is imported first.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

"""Scans many adverts: a verdict for each row of a table, and for each picture of a folder, however often it is cut off.

read ──▶ (fetch) ──▶ read pictures ──▶ open and classify ──▶ judge ──▶ write
rows     only when    bytes of          in parallel, each     in the    256 rows a part, done
         asked for    pictures          picture once          order     when its JSON file is
"""

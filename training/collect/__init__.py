"""From photos that somebody labelled, here or on the web, to rows of a manifest: one file a collector."""

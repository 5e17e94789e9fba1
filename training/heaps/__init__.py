"""Heaps of loose pangolin scales, and of what is taken for them, drawn from photos that show neither."""

SCALES, LOOKALIKE, DRAWN = "pangolin_scale", "scale_lookalike", "drawn_heap"
"""The label of what heaps are drawn for, the note of photos that may be taken for it, and the note of drawn photos."""

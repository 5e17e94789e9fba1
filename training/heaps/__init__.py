"""Heaps of loose pangolin scales, and of what is taken for them, drawn from photos that show neither."""

SCALES, GOODS = "pangolin_scale", "goods"
"""The label of what heaps are drawn for, and that of heaps of anything else."""

LOOKALIKE, DRAWN = "scale_lookalike", "drawn_heap"
"""In the note of a photo: that it may be taken for scales, and that it was drawn."""

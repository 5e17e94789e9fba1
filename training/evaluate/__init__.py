"""How good a bundle is: its figures, where it fails, what spoils it, and whether it may replace another."""

from training.evaluate.commands import command

__all__ = ["command"]

"""`schreger bundle`: what a bundle is, and whether it is whole."""

from __future__ import annotations

import json

import typer

from model.bundle import METRICS, find_bundle, load_bundle

NO_PROMISE = "with too few right answers to promise a share of wrong ones"


def show(bundle: str) -> None:
    """Print name, digest, backbone, classes and figures."""
    loaded = load_bundle(find_bundle(bundle))
    described = loaded.description
    typer.echo(f"bundle    {loaded.id}")
    typer.echo(f"backbone  {described.backbone}, {described.input.size} px")
    typer.echo(f"classes   {len(described.classes)}: {', '.join(described.classes)}")
    fitted = described.certainty
    unseen = "" if fitted.unseen_error is None else f", {fitted.unseen_error:.0%} on sources left out"
    promised = f"for at most {fitted.target_error:.0%} wrong" if fitted.target_error else NO_PROMISE
    typer.echo(f"certainty answers from {fitted.threshold:.2f}, {promised}{unseen}")
    if METRICS in described.files:
        metrics = json.loads((loaded.folder / METRICS).read_text(encoding="utf-8"))
        for split, figures in metrics.items():
            for name, figure in figures.items():
                interval = "-" if figure["low"] is None else f"{figure['low']:.3f} to {figure['high']:.3f}"
                typer.echo(f"{split}: {name} {figure['value']:.3f} ({interval}, n={figure['n']})")


def verify(bundle: str) -> None:
    """Check every digest; damage is raised as a BundleError."""
    loaded = load_bundle(find_bundle(bundle))
    typer.echo(f"{loaded.id}: all {len(loaded.description.files)} files are as they were made.")

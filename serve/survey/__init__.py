"""What scanned adverts amount to: how many offer what, corrected for the errors of the verdicts, with intervals."""

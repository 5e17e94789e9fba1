"""What is wrong with labelled photos: one module for each kind of fault, one for the report."""

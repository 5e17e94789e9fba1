"""What a photo shows: photo, taxonomy, bundle, engine, certainty, classifier."""

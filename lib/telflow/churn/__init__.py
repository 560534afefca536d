"""Who is about to leave: features as of a date, training and comparison, scores with their reasons."""

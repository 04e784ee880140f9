"""Training: recipes in, checkpoints with their contract, samples and card out."""

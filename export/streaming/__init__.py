"""Streaming: a model over a whole sequence becomes one that takes a step of it, its memory going in and coming out."""

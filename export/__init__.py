"""Export: a checkpoint in, files for small hardware out, each compared with what it came from."""

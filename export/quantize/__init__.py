"""Quantization of a float TensorFlow Lite graph by rules of our own: ranges, widths and floats are choices."""

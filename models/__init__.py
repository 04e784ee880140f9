"""Keras builders: one file a family, pure functions `build_x(...) -> keras.Model`."""

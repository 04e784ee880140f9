"""Training that makes a model smaller or readier for integers: pruning, clustering, quantization-aware fine-tuning.

tensorflow-model-optimization does them, on tf-keras. Every technique takes a Keras 3 model over the bridge, trains it
there and brings the weights back, so that what comes out is the same architecture as a plain Keras 3 checkpoint.
"""

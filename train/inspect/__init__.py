"""Pictures of what a network has learned and what it looks at; `python -m train.inspect`.

Import it by its whole name, `train.inspect`: `inspect` alone is the standard library's.
"""

"""Small experiments, each a page that says what was asked, how, and what came out; `python -m train.study`."""

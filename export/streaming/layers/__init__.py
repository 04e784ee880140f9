"""Rules by which layers become steps: a module a kind, each with `RULES`, class name -> rule; found by listing."""

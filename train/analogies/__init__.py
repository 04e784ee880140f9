"""Word vectors from files, and the questions they can answer: Athens is to Greece as Baghdad is to what?"""

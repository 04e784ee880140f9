"""What is minimised, and how a step is taken; the loop around it is `train.loop`."""

"""Views: one file each; the file's name is the view's. Each has `draw(subject) -> list[Picture]`, which raises Absent
where the subject has nothing of the kind."""

from pathlib import Path

from train.listing import Listing

VIEWS = Listing(Path(__file__).parent, "train.inspect.views", "inspect", "view")

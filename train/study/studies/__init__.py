"""Studies: one file each; the file's name is the study's, "-" for "_". Each has `study(request) -> Page`."""

from pathlib import Path

from train.listing import Listing

STUDIES = Listing(Path(__file__).parent, "train.study.studies", "study", "study")

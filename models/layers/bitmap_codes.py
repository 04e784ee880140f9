"""Stylized 7x12 pictures of the ten digits: the target codes of LeNet-5's output units.

Drawn after figure 3 of LeCun et al. 1998, which prints them as a picture only; similar digits have similar
codes on purpose, so that confusions are between likely candidates. `#` is +1, `.` is -1.
"""

from collections.abc import Sequence

import numpy as np

DIGITS = (
    """
    ..###..
    .##.##.
    ##...##
    ##...##
    ##...##
    ##...##
    ##...##
    ##...##
    .##.##.
    ..###..
    .......
    .......
    """,
    """
    ...##..
    ..###..
    .####..
    ...##..
    ...##..
    ...##..
    ...##..
    ...##..
    ...##..
    .######
    .......
    .......
    """,
    """
    .#####.
    ##...##
    .....##
    .....##
    ....##.
    ...##..
    ..##...
    .##....
    ##.....
    #######
    .......
    .......
    """,
    """
    #######
    .....##
    ....##.
    ...##..
    ..####.
    .....##
    .....##
    .....##
    ##...##
    .#####.
    .......
    .......
    """,
    """
    ##..##.
    ##..##.
    ##..##.
    ##..##.
    ##..##.
    #######
    ....##.
    ....##.
    ....##.
    ....##.
    .......
    .......
    """,
    """
    #######
    ##.....
    ##.....
    ######.
    ##...##
    .....##
    .....##
    .....##
    ##...##
    .#####.
    .......
    .......
    """,
    """
    ..####.
    .##....
    ##.....
    ##.....
    ##.###.
    ###..##
    ##...##
    ##...##
    .##..##
    ..####.
    .......
    .......
    """,
    """
    #######
    .....##
    .....##
    ....##.
    ....##.
    ...##..
    ...##..
    ..##...
    ..##...
    ..##...
    .......
    .......
    """,
    """
    .#####.
    ##...##
    ##...##
    ##...##
    .#####.
    ##...##
    ##...##
    ##...##
    ##...##
    .#####.
    .......
    .......
    """,
    """
    .####..
    ##..##.
    ##...##
    ##...##
    ##..###
    .###.##
    .....##
    .....##
    ....##.
    .####..
    .......
    .......
    """,
)


def bitmap_codes(pictures: Sequence[str] = DIGITS) -> np.ndarray:
    """Codes of ±1, one row a picture: (pictures, height * width), float32, rows of the picture one after another."""
    rows = ["".join(picture.split()) for picture in pictures]
    if len({len(row) for row in rows}) != 1 or set("".join(rows)) - set("#."):
        raise ValueError("bitmap_codes: pictures must be of one size, in '#' and '.' only")
    return np.array([[1.0 if cell == "#" else -1.0 for cell in row] for row in rows], "float32")

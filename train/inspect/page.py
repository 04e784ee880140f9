"""`index.html`: all pictures in one file that needs no network and no other file."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2

from edgeproof.errors import Refused
from train.inspect.subject import Picture, Subject


@dataclass(frozen=True)
class Section:
    """A view's name, headline and pictures."""

    name: str
    headline: str
    pictures: Sequence[Picture]


def render(subject: Subject, sections: Sequence[Section], missing: Sequence[tuple[str, Refused]], command: str) -> str:
    """The page as HTML. Everything that comes from files is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["uri"] = lambda png: "data:image/png;base64," + base64.b64encode(png).decode()
    contract = subject.contract
    return environment.get_template("page.html.j2").render(
        title=(contract.title or contract.name) if contract else subject.path.stem,
        subject=subject,
        parameters=subject.model.count_params(),
        sections=sections,
        missing=missing,
        command=command,
    )

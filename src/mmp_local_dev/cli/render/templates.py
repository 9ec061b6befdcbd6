"""Pages for browsers, from the templates beside this module. Whatever is put into them is escaped."""

from __future__ import annotations

from pathlib import Path

from mmp_local_dev import __version__


def render(template: str, **values: object) -> str:
    """The page that `template` makes of these values; a name that it has and they have not is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return templates.get_template(template).render(tool=__version__, **values)

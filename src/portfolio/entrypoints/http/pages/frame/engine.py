"""The template engine of the pages: everything is escaped, and a name that is not there is an error."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.template import TemplateConfig
from markupsafe import Markup

from portfolio.entrypoints.http.pages.frame.assets import asset
from portfolio.entrypoints.http.pages.frame.figures import Chart
from portfolio.entrypoints.http.pages.frame.filters import FILTERS, refuse_bare_number
from portfolio.entrypoints.http.pages.frame.page import PLACES, Frame
from portfolio.entrypoints.http.pages.words import OBSTACLES, RULES


@cache
def template_config() -> TemplateConfig[JinjaTemplateEngine]:
    """Return what the framework is told about the templates."""
    return TemplateConfig(instance=JinjaTemplateEngine.from_environment(environment()))


def environment() -> Environment:
    """Return the engine itself; the templates are in the package."""
    engine = Environment(
        loader=PackageLoader("portfolio.entrypoints.http.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=refuse_bare_number,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    engine.filters.update(FILTERS)
    engine.globals |= {"asset": asset, "places": PLACES, "rules": RULES, "obstacles": OBSTACLES}
    return engine


class Macros:
    """Writes parts of pages that are kept longer than a page."""

    def __init__(self, templates: TemplateConfig[JinjaTemplateEngine]) -> None:
        self._engine = templates.engine_instance.engine

    def chart(self, chart: Chart, *, private: bool) -> Markup:
        """Return a chart with its table, as the macro of that name writes it."""
        frame = Frame(title=chart.title, path="/", private=private)
        module: Any = self._engine.get_template("parts/macros.html").make_module({"frame": frame})
        written: Markup = module.chart(chart)
        return written

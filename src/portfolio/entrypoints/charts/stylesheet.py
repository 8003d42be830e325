"""The look of the charts, for the stylesheet of a page: colours, lines, and what forced colours leave of them."""

from __future__ import annotations

from typing import Final

from portfolio.entrypoints.charts.elements import SHOWN_FROM
from portfolio.entrypoints.charts.heat import STRENGTHS
from portfolio.entrypoints.charts.treemap import TONES

_TONES: Final = "".join(f".chart-tone-{n} {{ fill: var(--chart-tone-{n}); }}\n" for n in range(TONES))
_SHOWN: Final = "".join(
    f"@container (max-width: {width - 0.02:.2f}px) {{ .chart-from-{width} {{ display: none; }} }}\n"
    for width in SHOWN_FROM
)
_HEAT: Final = "".join(
    f".heat-{sign}-{n} {{ --heat: rgb(var(--heat-{sign}) / .{n}); }}\n"
    for sign in ("plus", "minus")
    for n in range(1, STRENGTHS + 1)
)

_COLOURS_AND_LINES: Final = """\
:root {
  --chart-own: #0b62b8; --chart-other: #b45309; --chart-third: #5b6470; --chart-ink: #1b1f24; --chart-soft: #57606a;
  --chart-paper: #fff; --chart-grid: #d8dee4; --chart-track: #e6eaee;
  --chart-tone-0: #d6e6f7; --chart-tone-1: #fbe3c8; --chart-tone-2: #cfeae6; --chart-tone-3: #e8dcf5;
  --chart-tone-4: #f5efb8; --chart-tone-5: #f8d7de; --chart-tone-6: #dcedcb; --chart-tone-7: #e3e6ea;
  --heat-plus: 11 98 184; --heat-minus: 217 119 6;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --chart-own: #6cb2ff; --chart-other: #ffab5e; --chart-third: #a8b1bb; --chart-ink: #e6edf3; --chart-soft: #a8b1bb;
    --chart-paper: #0d1117; --chart-grid: #30363d; --chart-track: #262c34;
    --chart-tone-0: #17345a; --chart-tone-1: #50300f; --chart-tone-2: #10403e; --chart-tone-3: #3a2652;
    --chart-tone-4: #464010; --chart-tone-5: #52202f; --chart-tone-6: #25421d; --chart-tone-7: #2a3038;
    --heat-plus: 56 139 253; --heat-minus: 219 119 19;
  }
}
.chart { display: block; width: 100%; overflow: visible; font: 12px/1.2 system-ui, sans-serif; fill: var(--chart-ink); }
.chart-plot { overflow: visible; }
.chart-label, .chart-legend { fill: var(--chart-soft); }
.chart-label, .chart-legend {
  paint-order: stroke; stroke: var(--chart-paper); stroke-width: 3px; stroke-opacity: .75; stroke-linejoin: round;
}
.chart-value { font-variant-numeric: tabular-nums; }
.chart-grid { stroke: var(--chart-grid); }
.chart-zero { stroke: var(--chart-soft); }
.chart-level, .chart-link { stroke: var(--chart-soft); stroke-dasharray: 4 3; }
.chart-stroke, .chart-dots {
  stroke-width: 2px; stroke-linecap: round; stroke-linejoin: round; vector-effect: non-scaling-stroke;
}
.chart-stroke.chart-other { stroke-dasharray: 6 4; }
.chart-stroke.chart-third { stroke-dasharray: 1 4; }
.chart-dots { stroke-width: 6px; }
.chart-area { fill-opacity: .18; }
.chart-key, .chart-marker { stroke: var(--chart-paper); stroke-width: 1px; paint-order: stroke; }
.chart-own, .chart-buy, .chart-gain, .chart-within { fill: var(--chart-own); }
.chart-other, .chart-sell, .chart-loss, .chart-broken { fill: var(--chart-other); }
.chart-third, .chart-total { fill: var(--chart-third); }
.chart-stroke, .chart-dots { fill: none; stroke: var(--chart-own); }
.chart-stroke.chart-other, .chart-dots.chart-other { stroke: var(--chart-other); }
.chart-stroke.chart-third, .chart-dots.chart-third { stroke: var(--chart-third); }
.chart-track { fill: var(--chart-track); }
.chart-limit { stroke: var(--chart-ink); stroke-width: 3px; }
.chart-range { fill: var(--chart-own); fill-opacity: .25; }
.chart-point { stroke: var(--chart-own); stroke-width: 4px; }
.chart-beside { stroke: var(--chart-other); stroke-width: 3px; stroke-dasharray: 3 2; }
.chart-group { fill: none; stroke: var(--chart-paper); stroke-width: 5px; }
.chart-tile { stroke: var(--chart-paper); stroke-width: 2px; fill: var(--chart-track); }
.chart-tile ~ .chart-label { fill: var(--chart-ink); stroke: none; }
"""
_HEAT_CELLS: Final = """\
.heat { text-align: right; font-variant-numeric: tabular-nums; background: var(--heat, transparent); }
.chart-tile.heat { fill: var(--heat, var(--chart-track)); }
.heat-none { color: var(--chart-soft); }
"""
_ELSEWHERE: Final = """\
@media (forced-colors: active) {
  .chart { --chart-ink: CanvasText; --chart-soft: CanvasText; --chart-paper: Canvas; --chart-grid: GrayText;
    --chart-own: LinkText; --chart-other: CanvasText; --chart-third: GrayText; --chart-track: Canvas; }
  .chart-track, .chart-tile { stroke: CanvasText; stroke-width: 1px; }
}
@media print { .chart { break-inside: avoid; } }
"""

STYLESHEET: Final = _COLOURS_AND_LINES + _TONES + _SHOWN + _HEAT_CELLS + _HEAT + _ELSEWHERE

"""Figures as they come: printed, and kept for JSON and the page."""

import json

from spread import Spread


class Results:
    """Figures of one run. Each has a part, a name, labels that tell it from others of that name, a unit and a spread."""

    def __init__(self, machine, program):
        self.about = {"machine": machine, "program": program}
        self.figures = []

    def add(self, part, name, unit, values, **labels):
        """`values`: one, or all that were seen of it by turns."""
        spread = Spread.of(values if isinstance(values, list) else [values])
        figure = {"part": part, "name": name, "labels": labels, "unit": unit, "value": spread.median, "low": spread.low,
                  "high": spread.high, "count": spread.count}
        self.figures.append(figure)
        described = ", ".join(f"{key} {value}" if not isinstance(value, str) else value for key, value in labels.items())
        print(f"  {name} | {described} | {form(figure)}", flush=True)

    def write(self, path, others):
        """Behind `others`, of parts that this run has not measured."""
        path.write_text(as_text({**self.about, "figures": others + self.figures}))


def as_text(data):
    """JSON with a line for each figure, of six digits that count."""
    lines = [json.dumps({key: float(f"{value:.6g}") if isinstance(value, float) else value for key, value in figure.items()})
             for figure in data["figures"]]
    about = json.dumps({key: value for key, value in data.items() if key != "figures"})
    return about[:-1] + (", " if len(data) > 1 else "") + '"figures": [\n' + ",\n".join(lines) + "\n]}\n"


def short(value):
    """A number with three digits that count, and without an exponent."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def form(figure):
    text = f"{short(figure['value'])} {figure['unit']}".strip()
    if figure["count"] > 1:
        text += f" ({short(figure['low'])} … {short(figure['high'])})"
    return text


def find(figures, part, name, **labels):
    """The figure with these labels, or None."""
    for figure in figures:
        if figure["part"] == part and figure["name"] == name and all(
                figure["labels"].get(key) == value for key, value in labels.items()):
            return figure
    return None

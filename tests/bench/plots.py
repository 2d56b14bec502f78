"""The plots of the page, by matplotlib. Each returns the file, or nothing where nothing was measured."""

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as pyplot  # noqa: E402

# The same figures make the same file.
matplotlib.rcParams.update({"svg.hashsalt": "benchmarks", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False})

COLORS = {"haproxy": "#8c8c8c", "haproxy, 2 threads": "#bdbdbd", "nginx": "#c9a66b", "session": "#9ecae1", "lending": "#3182bd",
          "judging": "#08306b", "lending, 2 threads": "#6baed6"}


def select(figures, part, name, **labels):
    return [figure for figure in figures if figure["part"] == part and figure["name"] == name and
            all(figure["labels"].get(key) == value for key, value in labels.items())]


def grouped(axes, figures, group, title, unit):
    """A group of bars for each value of group(), one for each candidate, with quartiles."""
    groups = list(dict.fromkeys(group(figure) for figure in figures))
    names = list(dict.fromkeys(figure["labels"]["candidate"] for figure in figures))
    width = 0.8 / max(1, len(names))
    for i, name in enumerate(names):
        mine = {group(figure): figure for figure in figures if figure["labels"]["candidate"] == name}
        places = [g + (i - (len(names) - 1) / 2) * width for g, each in enumerate(groups) if each in mine]
        found = [mine[each] for each in groups if each in mine]
        axes.bar(places, [figure["value"] for figure in found], width * 0.92, label=name, color=COLORS.get(name),
                 yerr=[[max(0, figure["value"] - figure["low"]) for figure in found],
                       [max(0, figure["high"] - figure["value"]) for figure in found]],
                 error_kw={"elinewidth": 0.7, "ecolor": "#444444"})
    axes.set_xticks(range(len(groups)), groups)
    axes.set_title(title, fontsize=9)
    axes.set_ylabel(unit)


def save(figure, axes, path):
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncol=min(7, max(1, len(labels))), frameon=False)
    figure.tight_layout(rect=(0, 0.08, 1, 1))
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
    return path


def side_by_side(panels, path, size=(9, 3.4)):
    """`panels`: (figures, group, title, unit) of each."""
    panels = [panel for panel in panels if panel[0]]
    if not panels:
        return None
    figure, all_axes = pyplot.subplots(1, len(panels), figsize=size, squeeze=False)
    for axes, panel in zip(all_axes[0], panels):
        grouped(axes, *panel)
    return save(figure, all_axes[0][0], path)


def clients(figure):
    count = figure["labels"]["clients"]
    return f"{count} client{'s' if count > 1 else ''}"


def rig(figures, path):
    return side_by_side([(select(figures, "rig", "CPU a query", how=how), clients, f"point select, {how}", "us of CPU")
                         for how in ("text", "prepared")], path, (11, 3.4))


def sysbench(figures, path):
    return side_by_side([(select(figures, "queries", "CPU a query", how="prepared", workload=workload), clients,
                          f"{workload}, prepared", "us of CPU")
                         for workload in ("oltp_point_select", "oltp_read_only", "oltp_read_write")], path, (12, 3.4))


def counts(figures, path):
    def group(figure):
        return f"{figure['labels']['how']}, {clients(figure)}"

    def how(figure):
        return figure["labels"]["how"]

    return side_by_side([(select(figures, "queries", "system calls a query"), group, "system calls", "a query"),
                         (select(figures, "queries", "user instructions a query", workload="oltp_point_select"), how,
                          "user instructions", "a query")], path, (11, 3.4))


def logins(figures, path):
    def group(figure):
        return f"{figure['labels']['plugin'].replace('_password', '')}\n{figure['labels']['link']}"

    return side_by_side([(select(figures, "logins", "CPU a login"), group, "login, SELECT 1, quit", "us of CPU")], path)


def bulk(figures, path):
    def link(figure):
        return figure["labels"]["link"]

    return side_by_side([(select(figures, "bulk", "CPU a GB", what=what), link, what, "s of CPU a GB")
                         for what in ("result", "upload")], path)


def idle(figures, path):
    def group(figure):
        return f"{figure['labels']['clients']:,}\n{figure['labels']['link']}"

    return side_by_side([(select(figures, "idle", "memory a connection"), group, "memory of an idle client", "KiB")], path)


def plain(figures, label, path, unit, log=False):
    """Horizontal bars."""
    if not figures:
        return None
    figure, axes = pyplot.subplots(figsize=(9, 0.6 + 0.32 * len(figures)))
    axes.barh([one["labels"][label] for one in figures], [one["value"] for one in figures], color="#3182bd")
    axes.invert_yaxis()
    axes.set_xlabel(unit)
    if log:
        axes.set_xscale("log")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
    return path


def codec(figures, path):
    wanted = [f"{who}{kind}_row_of_six" for kind in ("text", "binary") for who in ("copy_", "", "connector_")]
    found = {one["labels"]["item"]: one for one in select(figures, "codec", "time an item")}
    return plain([found[item] for item in wanted if item in found], "item", path, "ns a row")


def captures(figures, path):
    return plain(select(figures, "captures", "MB a CPU second"), "program", path, "MB a CPU second", log=True)

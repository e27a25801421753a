"""The site file's experiments: arms, hold-out, groups, and how newcomers are divided."""

from __future__ import annotations

from typing import Literal

from yaml.nodes import Node

from schemas import site_values as values
from schemas.site import Experiment
from schemas.site_yaml import Section, entries, line_of, text_of

_KEYS = ("arms", "holdout", "goal", "within", "allocation", "group", "share", "floor", "delay")
_OF_THOMPSON = ("floor", "delay")
_HOLDOUT = "holdout"  # what personalize_api calls the share that gets the default
_DELAY = "1m", "2d"  # so long live minutes are kept
_WITHIN = "1m", "90d"
_GRAIN = 1e-9  # thirds, written in percent, may add up to a grain more than all


def read_experiments(file: Section) -> dict[str, Experiment]:
    node = file.node("experiments")
    found: dict[str, Experiment] = {}
    shares: dict[str, float] = {}
    for name, key_node, value in entries(node, "experiments", file.problems) if node else ():
        section = Section(value, f"experiments.{name}", _KEYS, file.problems, line_of(key_node))
        _check_name(section, key_node, name)
        experiment = _experiment(section, name)
        found[name] = experiment
        if group := experiment.group:
            shares[group] = shares.get(group, 0.0) + experiment.share
            if shares[group] > 1 + _GRAIN:
                at = section.node("share") or key_node
                section.problems.add(
                    at,
                    f"{section.name}: the shares of group '{group}' add up to "
                    f"{shares[group]:.4g}; allowed: 100% at most",
                )
    return found


def _experiment(section: Section, name: str) -> Experiment:
    allocations: tuple[Literal["fixed", "thompson"], ...] = ("fixed", "thompson")
    default = Experiment(name=name, arms={})
    experiment = Experiment(
        name=name,
        arms=_arms(section),
        holdout=section.read("holdout", values.share, default.holdout),
        goal=section.read("goal", values.text, default.goal),
        allocation=section.read("allocation", values.choice(allocations), default.allocation),
        group=section.read("group", values.name, default.group),
        share=section.read("share", values.share, default.share),
        floor=section.read("floor", values.share, default.floor),
        delay_ms=section.read("delay", values.duration_within(*_DELAY), default.delay_ms),
        within_ms=section.read("within", _whole_seconds, default.within_ms),
    )
    if experiment.within_ms and not experiment.goal:
        at = section.node("within") or section.line
        section.problems.add(at, f"{section.name}: 'within' needs 'goal', which it is the time for")
    if experiment.group and "share" not in section:
        section.problems.add(
            section.node("group") or section.line,
            f"{section.name} is in a group: it needs 'share', its part of the group's visitors",
        )
    if experiment.allocation == "thompson":
        _check_thompson(section, experiment)
    else:
        for key in _OF_THOMPSON:
            if key in section:
                at = section.node(key) or section.line
                section.problems.add(at, f"{section.name}: '{key}' is for allocation: thompson")
    return experiment


def _whole_seconds(text: str) -> int:
    """A time in ms, rounded down: ClickHouse is asked in seconds."""
    return values.duration_within(*_WITHIN)(text) // 1000 * 1000


def _check_thompson(section: Section, experiment: Experiment) -> None:
    if not experiment.goal:
        section.problems.add(
            section.line, f"{section.name}: allocation thompson needs 'goal', to learn from"
        )
    if experiment.floor * len(experiment.arms) > 1 + _GRAIN:
        section.problems.add(
            section.node("floor") or section.line,
            f"{section.name}: a floor of {experiment.floor:.4g} for {len(experiment.arms)} arms is "
            f"more than there is; allowed: {1 / len(experiment.arms):.4g} at most",
        )


def _arms(experiment: Section) -> dict[str, float]:
    node = experiment.node("arms")
    if node is None:
        experiment.problems.add(experiment.line, f"{experiment.name} needs 'arms'")
        return {}
    arms: dict[str, float] = {}
    where = f"arms in {experiment.name}"
    listed = entries(node, where, experiment.problems)
    for arm, key_node, value in listed:
        _check_name(experiment, key_node, arm)
        if arm == _HOLDOUT:
            experiment.problems.add(key_node, f"{where}: 'holdout' is the hold-out's own name")
        try:
            arms[arm] = values.weight(text_of(value))
        except ValueError as error:
            experiment.problems.add(value, f"{where}: '{arm}': {error}")
    if not listed:
        experiment.problems.add(node, f"{where}: there are none; allowed: at least one")
    return arms


def _check_name(section: Section, at: Node, name: str) -> None:
    try:
        values.name(name)
    except ValueError as error:
        section.problems.add(at, f"{section.name}: {error}")

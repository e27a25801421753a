"""An experiment asked for by its name, as a feature flag, whatever scenario it stands in."""

from __future__ import annotations

from personalize_api.decision.scenarios import Choice, Takes
from personalize_api.experiments.arms import HOLDOUT, take_part
from schemas.site import Site


def of_experiment(site: Site, name: str, medium: str, takes: Takes) -> Choice:
    """The visitor's arm, or the homepage's default outside of it. Raises KeyError for its name.

    Where a scenario leads to the experiment too, its arm is the same: both ask the same rules.
    """
    experiment, default = site.experiments[name], site.homepage.default
    if not takes.unit:
        reason = f"not in experiment {name}: a visitor without id has no lasting arm"
        return Choice(variant=default, scenario="", reason=reason)
    part = take_part(site, experiment, takes.unit, medium, takes.shown, takes.splits)
    if not part.arm:
        return Choice(variant=default, scenario="", reason=part.why)
    variant = default if part.arm == HOLDOUT else part.arm
    return Choice(variant=variant, scenario="", reason=part.why, experiment=name, arm=part.arm)

"""What a trained policy leaves behind: weights, facts, the surrogate, its points, the curve."""

import shutil
from dataclasses import asdict
from pathlib import Path

import mecsim
from mecsim.cli.policy_exploration import points_csv
from mecsim.cli.policy_subject import Recipe, Subject
from mecsim.control.branches import Branches
from mecsim.control.learned import facts_of, save
from mecsim.control.policy import CURVE_FILE, POINTS_FILE, SURROGATE_FILE
from mecsim.control.surrogate_fit import Fitted
from mecsim.federation.contract import Knob


def write_policy(out: Path, subject: Subject, recipe: Recipe, knob: Knob, fitted: Fitted, training: Path) -> None:
    """Write the best state of the training in the folder ``training``, and all that tells how it came about, into ``out``.

    Nothing of the machine or of the time of day is written, so that the same training gives the same bytes.
    """
    from learners.agents.training import CURVE, best_facts, best_weights

    best = best_facts(training)
    branches = Branches(n_choices=len(knob.choices), renews=knob.renews, bandwidths=recipe.bandwidths)
    facts = {
        "scenario": subject.scenario.name,
        "scheme": subject.entry.label,
        "mecsim": mecsim.__version__,
        "recipe": asdict(recipe),
        "agent": best["settings"],
        "best_at_steps": best["steps"],
        "objective_in_judged_worlds": -best["evaluation_return"],
    }
    out.mkdir(parents=True, exist_ok=True)
    save(out, best_weights(training), facts_of(knob=knob.name, choices=knob.choices, branches=branches, training=facts))
    fitted.surrogate.save(out / SURROGATE_FILE)
    (out / POINTS_FILE).write_text(points_csv(fitted.residuals), encoding="utf-8")
    shutil.copyfile(training / CURVE, out / CURVE_FILE)

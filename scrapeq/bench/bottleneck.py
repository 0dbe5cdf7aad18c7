"""What kept a run from being faster, in one sentence."""

from __future__ import annotations

from scrapeq.bench.trial import Trial

ALL = 0.85
"""Of what there is: more is seldom to be had."""
MUCH = 0.2
"""Of the machine with other programs: so much changes the answer."""


def others(trial: Trial, cores: int) -> float:
    """Cores that were busy with programs that are none of ours; 0 when nobody tells."""
    if trial.shares is None:
        return 0.0
    ours = sum(trial.shares.stages.values()) + trial.site
    return max(0.0, cores - trial.shares.idle - ours)


def held_back_by(trial: Trial, cores: int) -> str:
    """Looked for in this order: the site, the machine, the one event loop, a stage."""
    if trial.site >= ALL:
        return f"the embedded site ({trial.site:.0%} of a core): scrapeq may be faster"
    if trial.shares is not None:
        stages = trial.shares.stages
        if cores - trial.shares.idle >= ALL * cores:
            if others(trial, cores) >= MUCH * cores:
                return "the machine, busy with other programs too: ask again later"
            most = max(stages, key=lambda stage: stages[stage])
            return f"the machine: its cores were busy, most of all with {most}"
        if stages["fetch"] >= ALL:
            return f"the event loop: {stages['fetch']:.0%} of the one core that it can use"
    if stage := trial.summary["bottleneck"]:
        found = trial.summary["stages"].get(stage)
        waiting = ", waiting for the site" if stage == "fetch" and trial.shares else ""
        return f"{stage}: its workers were {found['busy']:.0%} busy{waiting}" if found else stage
    return "nothing that could be named: each run was short"

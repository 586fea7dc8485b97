"""SIGT — sovereign inference, global training.

Raw data stays in each sovereign region; noised updates go out through the gate; the global fabric trains; the model comes
back, is signed with the sovereign key, approved by people, tried as a canary, and served in each region.
"""

from __future__ import annotations

from sovplatform.patterns.outcome import Outcome
from sovplatform.runreport import StageReport, StageState
from sovplatform.stages.context import StageContext
from sovplatform.stages.observe import observe
from sovplatform.stages.plan import Source, plan
from sovplatform.stages.prepare import prepare
from sovplatform.stages.provision import provision
from sovplatform.stages.records import Candidate, Datasets, Deployment, Health, Plan, Released, Served, Signed
from sovplatform.stages.release import release
from sovplatform.stages.serve import serve
from sovplatform.stages.sign import sign
from sovplatform.stages.train import train

STAGES = ("plan", "provision", "prepare", "train", "sign", "release", "serve", "observe")


def run(context: StageContext, until: str = STAGES[-1]) -> Outcome:
    """Run the stages up to and including `until`. It ends early, without an error, where people have to approve first.

    Raises:
        SovError: a stage failed or was denied; the stages before it are done and will not be done again.
    """
    outcome = Outcome()
    for name in STAGES[: STAGES.index(until) + 1]:
        _STEPS[name](context, outcome)
        if name == "serve" and outcome.released is not None and outcome.released.waiting:
            context.report(StageReport(stage="observe", state=StageState.waiting, seconds=0.0, detail="comes after approval"))
            break
    return outcome


def _plan(context: StageContext, done: Outcome) -> None:
    done.plan = context.stage("plan", [Source(pilot=context.pilot)], lambda: plan(context), Plan, recorded=False)


def _provision(context: StageContext, done: Outcome) -> None:
    made = done.need(Plan)
    done.deployment = context.stage("provision", [made], lambda: provision(context, made), Deployment, keep=False)


def _prepare(context: StageContext, done: Outcome) -> None:
    made, up = done.need(Plan), done.need(Deployment)
    done.datasets = context.stage("prepare", [made], lambda: prepare(context, made, up), Datasets)


def _train(context: StageContext, done: Outcome) -> None:
    made, data = done.need(Plan), done.need(Datasets)
    done.candidate = context.stage("train", [made, data], lambda: train(context, made, data), Candidate)


def _sign(context: StageContext, done: Outcome) -> None:
    made, data, candidate = done.need(Plan), done.need(Datasets), done.need(Candidate)
    done.signed = context.stage("sign", [candidate], lambda: sign(context, made, data, candidate), Signed)


def _release(context: StageContext, done: Outcome) -> None:
    signed = done.need(Signed)
    done.released = context.stage("release", [signed], lambda: release(context, signed), Released, keep=False)


def _serve(context: StageContext, done: Outcome) -> None:
    released = done.need(Released)
    done.served = context.stage("serve", [released], lambda: serve(context, released), Served, keep=False)


def _observe(context: StageContext, done: Outcome) -> None:
    candidate, served = done.need(Candidate), done.need(Served)
    done.health = context.stage("observe", [candidate, served], lambda: observe(context, candidate, served), Health, keep=False)


_STEPS = {
    "plan": _plan,
    "provision": _provision,
    "prepare": _prepare,
    "train": _train,
    "sign": _sign,
    "release": _release,
    "serve": _serve,
    "observe": _observe,
}

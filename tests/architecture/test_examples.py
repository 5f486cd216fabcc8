"""Each public function of the pure core shows one worked example, and the examples hold."""

import ast
import doctest
import importlib
from pathlib import Path

import pytest

CORE = (
    "access.decision.decide",
    "access.decision.facts",
    "access.decision.rules",
    "access.floor.lookalikes",
    "access.floor.terms",
    "audit.reading.activity",
    "audit.reading.selection",
    "audit.tree.checkpoint",
    "audit.tree.cosignature",
    "audit.tree.epoch",
    "audit.tree.merkle",
    "audit.tree.proof_file",
    "audit.tree.quorum",
    "audit.tree.tiles",
    "capture.agreement",
    "capture.directive",
    "capture.extent",
    "capture.gaps",
    "capture.obstacles",
    "capture.situation",
    "consent.model",
    "consent.timeline",
    "event.fields.android",
    "event.fields.atspi",
    "event.fields.html",
    "event.fields.macos",
    "event.fields.page",
    "event.fields.table",
    "event.fields.windows",
    "event.reading",
    "event.schema",
    "kernel.canonical",
    "kernel.clock",
    "kernel.facts",
    "kernel.forms",
    "kernel.shapes",
    "kernel.signing",
    "kernel.tokens",
    "policy.agreement",
    "policy.catalogue.address",
    "policy.catalogue.loosening",
    "policy.catalogue.meeting",
    "policy.catalogue.patterns",
    "policy.difference",
    "policy.document",
    "policy.knob_shapes",
    "policy.knobs",
    "policy.lattice",
    "policy.own_exclusions",
    "policy.tenants",
    "policy.timeline",
)
"""The modules, below ``app``, whose public functions are rules that a stranger reads first."""

WITHOUT = {
    "access.decision.facts.person_facts": "it copies fields; narrower and suffices show the rules",
    "access.decision.facts.policy_facts": "the example of narrower shows how it adds up",
    "access.decision.facts.rules": "it copies what a compiled policy of fifteen lines says",
    "access.decision.facts.stays_of": "a person and two versions take twenty lines",
    "audit.tree.checkpoint.read_vkey": "the example of parse_vkey reads such a text",
    "audit.tree.checkpoint.write_vkey": "the example of parse_vkey shows such a text",
    "capture.agreement.agreement_of": "an offer and its layers take twenty lines",
    "capture.agreement.mask_of": "the example of mask shows what becomes of a decision",
    "capture.situation.circumstances_of": "it copies fields; obstacles_in shows what they lead to",
    "capture.situation.obstacles_to": "obstacles_in shows the same without a person",
    "capture.situation.situation_of": "it puts together what the other examples show",
    "consent.model.pause_end": "the end of a pause is a field of the decision",
    "policy.difference.only_narrows": "the example of direction shows its answer",
    "policy.timeline.met": "two published policies and their lead times take fifteen lines",
}
"""Functions without an example, by full name, with the reason."""

APP = Path(__file__).parents[2] / "app"


@pytest.mark.parametrize("module", CORE)
def test_the_examples_of_the_core_hold(module: str) -> None:
    result = doctest.testmod(importlib.import_module(f"app.{module}"), optionflags=doctest.ELLIPSIS)
    assert result.failed == 0
    assert bool(result.attempted) is bool(public_functions(module))


def test_every_public_function_of_the_core_has_an_example_or_a_reason() -> None:
    without = {
        f"{module}.{function.name}"
        for module in CORE
        for function in public_functions(module)
        if ">>>" not in (ast.get_docstring(function) or "")
    }
    assert without == WITHOUT.keys()


def public_functions(module: str) -> list[ast.FunctionDef]:
    tree = ast.parse((APP / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return [function for function in functions if not function.name.startswith("_")]

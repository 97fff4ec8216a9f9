"""Long sequences, a page at a time.

Where a plan says that a value is a sequence, only the items of the page are asked for:
those of a loop over hundreds of volumes that nobody looks at are not computed.
"""

from __future__ import annotations

from primitives.registry import Registry
from scheduler.plan import App, Goal, Plan, PlanBuilder

PAGE = 10
"""Items that are shown at once."""

_SLICE = "default.slice"
_SEQUENCE = frozenset({"sequence"})


def is_sequence(plan: Plan, registry: Registry) -> bool:
    """Return whether the first goal of a plan is certainly a sequence."""
    node = plan.nodes[plan.goals[0].node]
    if not isinstance(node, App):
        return False
    return registry.get(node.primitive).result_kinds == _SEQUENCE


def page_of(plan: Plan, first: int, count: int = PAGE) -> Plan:
    """Return the plan of some items of the sequence that is the first goal.

    Args:
        plan: with that goal.
        first: position of the first item.
        count: of items; one more is asked for, which tells whether there are more.
    """
    builder = PlanBuilder(plan)
    goal = plan.goals[0]
    bounds = [builder.const(float(at)) for at in (first, first + count + 1)]
    node = builder.app(_SLICE, (goal.node, *bounds), goal.site)
    return builder.plan([Goal("print", goal.label, node, goal.site)], plan.files)

"""What an operation costs: an estimate before it runs, the actual cost from its response.

The directives are `@cost` and `@listSize` of the IBM GraphQL Cost Directives specification, in the form in which Apollo Federation 2.9 took
them over (`weight` is an Int), and they are counted as Apollo's demand control does:

- an object costs 1, or the weight of its type, or that of the field it comes from; a leaf costs 0 unless it or its field has a weight;
- a list costs that for every item: as many as its slicing arguments say (the largest, where there are several), else `assumedSize`;
- a field of a mutation costs 10, or its own weight, once for being called, whatever comes of it;
- arguments and input fields cost what their weights say, and nothing without;
- a selection on an abstract type costs what the dearest of its possible types does.

The actual cost counts the same over the objects that the response holds. It is never above the estimate where lists are no longer than
they were estimated to be.
"""

from ampyard.engine.cost.directives import MUTATION_WEIGHT, cost, list_size
from ampyard.engine.cost.operations import Costs, OperationCost

__all__ = ["MUTATION_WEIGHT", "Costs", "OperationCost", "cost", "list_size"]

"""Learning without a world: runs a graph of jobs in this process, and lets schemes take rounds. For benchmarks and tests."""

from collections.abc import Container, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from learners.catalog import SCHEMES, CostQuestion, LocalSettings, SchemeContext
from learners.data.partition import partition_job
from learners.worker import execute
from mecsim.federation.contract import AS_IT_IS, REPLACE, Blend, ClientView, Offer, Scheme, Settings, Update
from mecsim.jobs.job import Job, Result
from mecsim.jobs.runner import LocalRunner

_PLENTY_BYTES = 1e15
_NOTHING_DECIDED: Mapping[int, Settings] = MappingProxyType({})


class InlineRunner:
    """Executes what is demanded, each job once, and keeps every result in ``results``; what is ``known`` is not executed."""

    def __init__(self, known: Mapping[Job, Result] | None = None) -> None:
        self.results: dict[Job, Result] = dict(known or {})
        self._runner = LocalRunner(execute, _Kept(self.results))

    def demand(self, wanted: Job) -> Result:
        """Return the result of ``wanted``, running what it needs first."""
        (result,) = self._runner.demand([wanted])
        return result


class _Kept:
    def __init__(self, results: dict[Job, Result]) -> None:
        self._results = results

    def __contains__(self, job: Job) -> bool:
        return job in self._results

    def get(self, job: Job) -> Result | None:
        return self._results.get(job)

    def put(self, job: Job, result: Result) -> None:
        self._results[job] = result


def inline_scheme(
    runner: InlineRunner,
    name: str,
    params: Mapping[str, Any],
    *,
    model: str,
    dataset: Mapping[str, Any],
    partition: Mapping[str, Any],
    n_clients: int,
    local: LocalSettings,
    public_share: float = 0.1,
    test_share: float = 0.1,
    n_rounds: int = 4,
    account_as: str | None = None,
    head_start: str = "random",
    learning_seed: int = 0,
    data_seed: int = 1,
    controlled: bool = False,
) -> tuple[Scheme, SchemeContext]:
    """Return a scheme ready for its first round over ``dataset`` (see ``dataset_spec``), and its context."""
    entry = SCHEMES[name]
    validated = entry.params.model_validate(params)
    dealt = partition_job(
        dataset, partition, n_clients=n_clients, public_share=public_share, test_share=test_share, seed=data_seed
    )
    sizes = runner.demand(dealt).numbers
    task = dataset["task"]
    n_classes = None if task == "language-modelling" else dataset["n_classes"]
    question = CostQuestion(
        model=model,
        account_as=account_as,
        task=task,
        n_classes=n_classes,
        batch_size=local.batch_size,
        length=dataset.get("window") or dataset.get("max_length"),
        optimizer=local.optimizer,
        head_start=head_start,
    )
    context = SchemeContext(
        model=model,
        account_as=account_as,
        task=task,
        n_classes=n_classes,
        dataset=dataset,
        partition=dealt,
        client_samples=tuple(sizes["n_samples"]),
        n_public=sizes["n_public"],
        n_test=sizes["n_test"],
        n_rounds=n_rounds,
        local=local,
        learning_seed=learning_seed,
        costs={key: runner.demand(sheet).numbers for key, sheet in entry.cost_jobs(validated, question).items()},
        backbone_preinstalled=False,
        head_start=head_start,
        controlled=controlled,
    )
    return entry.create(validated, context), context


def view(
    context: SchemeContext,
    client: int,
    number: int = 0,
    *,
    settings: Settings = AS_IT_IS,
    held: Container[str] = frozenset(),
) -> ClientView:
    """Return what a scheme sees of a client with memory in plenty."""
    return ClientView(
        client=client,
        round=number,
        n_samples=context.client_samples[client],
        memory_budget_bytes=_PLENTY_BYTES,
        settings=settings,
        held=held,
    )


def take_round(
    scheme: Scheme,
    context: SchemeContext,
    number: int,
    clients: Sequence[int],
    blend: Blend = REPLACE,
    *,
    settings: Mapping[int, Settings] = _NOTHING_DECIDED,
) -> list[Update]:
    """Let ``clients`` take their turns, and the server its part; return what was merged. Nothing is executed."""
    scheme.alongside(number)
    updates = take_turns(scheme, context, number, clients, settings=settings)
    if updates:
        scheme.merge(updates, blend)
    return updates


def take_turns(
    scheme: Scheme,
    context: SchemeContext,
    number: int,
    clients: Sequence[int],
    *,
    settings: Mapping[int, Settings] = _NOTHING_DECIDED,
) -> list[Update]:
    """Let ``clients`` take their turns and return what comes back; nothing is merged, and nothing executed.

    ``settings`` are those of some clients; what a client holds is not kept here.
    """
    decided = {client: settings.get(client, AS_IT_IS) for client in clients}
    offers = {client: scheme.offer(view(context, client, number, settings=each)) for client, each in decided.items()}
    return [
        Update(client=client, n_samples=context.client_samples[client], job=offer.job, base=offer.base)
        for client, offer in offers.items()
        if isinstance(offer, Offer) and offer.job is not None
    ]

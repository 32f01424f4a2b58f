"""FedPT (arXiv 2410.00362), a reconstruction: devices tune a small model, which shifts the scores of a large one at the server.

Known of the paper: its round. The server sends the small model S, devices tune it on their own data, the server averages, forms
the large proxy-tuned model z = z_L + alpha * (z_S - z_S0), distils it into S, and sends that S next. S0 is S at the exact start
of the federation, for all rounds; of the large model L only scores are used, and nothing of it is ever sent. Deployed is the
proxy of the averaged S, before distillation, as in the paper's round; the distilled S is only where the next round starts.

Our own choices, as the paper's are not known:
- Classifiers have heads fitted on public data in L and S0 alike, so that the offset carries tuning and not the head's luck.
- alpha is 1, as in proxy-tuning (Liu et al., 2024), or tuned: chosen anew from 0.2 to 2 on a quarter of the public split
  for every averaged S, for the teacher as for what is deployed; the numbers at alpha 1 stand beside.
- Distillation is temperature-softened KL divergence (Hinton et al., 2015) on the rest of the public split, with AdamW, over the
  same parameters that the devices train. The teacher contains S: a student that learns all of it adds L - S0 to S, and the next
  proxy has it twice, then three times. So the default is bounded: a few steps, towards z_S0 + the way from there to the proxy's
  scores, which is shortened in each row to ``max_drift`` times the spread of L's scores. However long it learns, S stays that
  near to S0, and the proxy to L. ``full`` has no such rule and passes over all of the data (on digits with the tiny ViTs, one
  seed, it took the proxy's accuracy from 0.96 to 0.01 in 8 rounds); ``none`` is the plain federation of S. ``drift`` tells.
- The server's work of a round: the average, L and twice S forward over what is distilled (once, cached) and over what alpha is
  tuned on, and the training steps of S. It is also spent after the last round.
- ``mixture_`` numbers are those of equal parts of L's and the averaged S's probabilities: a plain baseline that can be better.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from learners.peft.defaults import METHODS
from learners.schemes.context import SchemeContext, SchemeEntry
from learners.schemes.parts import forward_work, n_public_fit, n_public_validation
from learners.schemes.small_federation import SmallFederation, SmallModelParams, cost_jobs
from mecsim.federation.contract import NO_WORK, SchemeFacts, Update, Work
from mecsim.jobs.job import Job


class NoDistillation(BaseModel):
    """The next round starts from the average."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    kind: Literal["none"] = Field(default="none", description="kind of distillation: none")


class _Distillation(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    batch_size: int = Field(default=16, ge=1, description="public samples in a step")
    learning_rate: float | None = Field(
        default=None, gt=0.0, description="AdamW's rate; left out: the one tuned for the method"
    )
    temperature: float = Field(default=2.0, gt=0.0, description="scores of teacher and student are divided by it")
    labels_weight: float = Field(
        default=0.0, ge=0.0, le=1.0, description="weight of the public labels' cross-entropy; the rest is the teacher's"
    )


class BoundedDistillation(_Distillation):
    """A few steps towards a teacher that stays near the start, so that the small model cannot run away."""

    kind: Literal["bounded"] = Field(default="bounded", description="kind of distillation: few steps, near the start")
    steps: int = Field(default=10, ge=1, description="optimizer steps a round")
    max_drift: float = Field(
        default=0.25,
        gt=0.0,
        description="how far the teacher may lie from the start of the small model, in spreads of the large model's scores",
    )


class FullDistillation(_Distillation):
    """Passes over the whole split towards the plain proxy; S may run away over the rounds."""

    kind: Literal["full"] = Field(default="full", description="kind of distillation: whole passes over the public samples")
    epochs: int = Field(default=5, ge=1, description="passes over the fitting share of the public split, a round")


class FedPtParams(SmallModelParams):
    """The small model and its method (``alpha`` is LoRA's), the proxy's alpha, and the distillation."""

    proxy_alpha: Annotated[float, Field(ge=0.0)] | Literal["tuned"] = Field(
        default=1.0, description="weight of the small models' difference; tuned: chosen on public data each round"
    )
    distillation: NoDistillation | BoundedDistillation | FullDistillation = Field(
        default=BoundedDistillation(), discriminator="kind", description="how the proxy is distilled into the small model"
    )


class FedPt(SmallFederation):
    """Federated averaging of the small model, proxy-tuning of the large one, and distillation back."""

    def __init__(self, params: FedPtParams, context: SchemeContext) -> None:
        self.is_tuned = params.proxy_alpha == "tuned"
        self.alpha = None if params.proxy_alpha == "tuned" else params.proxy_alpha
        self.distillation = params.distillation
        self.distil_rate = METHODS[params.method].learning_rates["adamw"]
        needs_public = self.is_tuned or not isinstance(params.distillation, NoDistillation)
        self._averages: dict[Job, Job] = {}
        super().__init__(params, context, needs_public=needs_public)

    @property
    def tuned(self) -> Job:
        """The last average: the state as it was before it was distilled."""
        return self._averages.get(self.state, self.state)

    def behind(self, updates: Sequence[Update]) -> Work:
        """Distil the proxy of the average into what the next round starts from."""
        settings, averaged = self.distillation, self.state
        if isinstance(settings, NoDistillation):
            return self._tuning_work()
        per_pass = -(-n_public_fit(self.context) // settings.batch_size)
        n_steps = settings.steps if isinstance(settings, BoundedDistillation) else settings.epochs * per_pass
        self.state = self.together_job(
            "proxy_distil",
            "public_fit",
            tuned_alpha=self._tuned_alpha(),
            alpha=self.alpha,
            steps=n_steps,
            batch_size=settings.batch_size,
            learning_rate=settings.learning_rate or self.distil_rate,
            temperature=settings.temperature,
            labels_weight=settings.labels_weight,
            max_drift=settings.max_drift if isinstance(settings, BoundedDistillation) else None,
        )
        self._averages = {self.state: averaged}
        return self._tuning_work() + self._distil_work(n_steps, settings.batch_size)

    def quality(self) -> Job:
        """Return the evaluation of the proxy of the averaged small model, beside what it is made of."""
        return self.together_job(
            "proxy_evaluate", "test", tuned_alpha=self._tuned_alpha(), deployed="proxy", alpha=self.alpha, weight=0.5
        )

    def facts(self) -> SchemeFacts:
        """Return what the summary says of the scheme: a query goes through the large model and two small ones."""
        return self.facts_with(n_small=2)

    def _tuned_alpha(self) -> Job | None:
        return self.together_job("proxy_alpha", "public_validation") if self.is_tuned else None

    def _forward_work(self, n_samples: int) -> Work:
        """Return the work of the proxy's scores: the large model, and the small one tuned and as it started."""
        batch_size = self.context.local.batch_size
        of_small = forward_work(self.part.costs, n_samples, batch_size)
        return forward_work(self.large.costs, n_samples, batch_size) + of_small + of_small

    def _tuning_work(self) -> Work:
        return self._forward_work(n_public_validation(self.context)) if self.is_tuned else NO_WORK

    def _distil_work(self, n_steps: int, batch_size: int) -> Work:
        """Return the work of the teacher's scores, once for each sample that is met, and of the steps of the small model."""
        n_passes, n_rest = divmod(n_steps, -(-n_public_fit(self.context) // batch_size))
        n_met = n_public_fit(self.context) if n_passes else n_rest * batch_size
        n_seen = n_passes * n_public_fit(self.context) + n_rest * batch_size
        costs = self.part.costs
        steps = Work(
            flop=float(costs["train_flop_per_sample"]) * n_seen,
            traffic_bytes=float(costs["traffic_bytes_per_step"]) * n_steps,
            peak_bytes=float(costs["peak_train_bytes"]),
            n_steps=n_steps,
            n_samples=n_seen,
        )
        return self._forward_work(n_met) + steps


ENTRY = SchemeEntry(
    description="a federated small model shifts the scores of a large one at the server (arXiv 2410.00362)",
    params=FedPtParams,
    create=FedPt,
    cost_jobs=cost_jobs,
    reconstruction=True,
    holds_backbone=False,
)

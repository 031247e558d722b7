"""What a cube may spend on language models in a day, in UTC."""

from __future__ import annotations

from treemem.context import Context
from treemem.models.llm import LLMUsage
from treemem.queued import Spent

DAY = 86_400 * 1_000_000


def spent_by(usage: LLMUsage, now: int) -> Spent | None:
    """Return what calls of a model took, on the day of `now`; None if there were none."""
    tokens = usage.prompt_tokens + usage.completion_tokens
    return Spent(now // DAY, tokens, usage.cost) if usage.requests else None


def over_budget(ctx: Context, now: int) -> str:
    """Return why nothing more of this cube may ask a language model on the day of `now`; empty if it may."""
    settings = ctx.config.tasks
    if settings.tokens_per_day is None and settings.cost_per_day is None:
        return ""
    spent = ctx.store.spent(ctx.cube)
    if spent is None or not spent.counts_on(now // DAY):
        return ""
    if settings.tokens_per_day is not None and spent.tokens >= settings.tokens_per_day:
        return f"the cube's budget is spent: {spent.tokens} of {settings.tokens_per_day} tokens a day"
    if settings.cost_per_day is not None and spent.cost >= settings.cost_per_day:
        return f"the cube's budget is spent: {spent.cost:.4f} of {settings.cost_per_day} a day"
    return ""


def next_day(now: int) -> int:
    """Return when the day after that of `now` begins."""
    return (now // DAY + 1) * DAY

"""What speaks against a call before anything is measured."""

from collections.abc import Sequence

from core.errors import ToolError
from core.experiments.asked import in_words, judge_asked, same_judge, trials_left
from core.experiments.record import Judge, Trial, best_of
from core.experiments.words import trial_line, tried_before
from core.tool import ToolContext
from tools.experiment.arguments import ExperimentArguments


def check_asked(judge: Judge, ctx: ToolContext) -> None:
    """Raises ToolError: the user asked for another judge."""
    asked = judge_asked(ctx.context.experiment if ctx.context else {})
    if asked is not None and not same_judge(judge, asked, ctx.cwd):
        raise ToolError(f"Cannot define it so: the user asked for {in_words(asked)}.")


def check_new(
    hypotheses: Sequence[str], arguments: ExperimentArguments, trials: Sequence[Trial]
) -> None:
    """Raises ToolError: there is no baseline, or one of them was tried before."""
    if best_of(trials) is None:
        raise ToolError("Cannot run a trial: the baseline was not measured. Fix it, define again.")
    for hypothesis in hypotheses if not arguments.again else ():
        before = tried_before(hypothesis, trials)
        if before is not None:
            raise ToolError(
                f"Not run: this was tried before. {trial_line(before)}\n{before.rule}\n"
                f"{before.note}\nIf there is a reason to try it once more, pass again=true."
            )


def check_number(new: int, ctx: ToolContext, trials: Sequence[Trial]) -> None:
    """Raises ToolError: the user asked for fewer trials."""
    left = trials_left(ctx.context.experiment if ctx.context else {}, trials)
    if left is not None and new > left:
        raise ToolError(
            f"Not run: {left} of the trials that the user asked for are left. "
            f"{'End your turn with what was found.' if left == 0 else 'Try fewer at once.'}"
        )

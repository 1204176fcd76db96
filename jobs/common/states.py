"""The machine as data: states, allowed moves, groups, words that a job goes through.
Ground floor: no Django, no I/O.

`State` drives, `Code` only reports why a job waits or how it ended, `Group` is what lists filter by
(a stored column).
"""

from __future__ import annotations

from enum import IntEnum, StrEnum

from studio.common.translatable import Sentence, phrase


class State(StrEnum):
    QUEUED = "queued"  # ours: free to cancel, reorder, hold
    SUBMITTING = "submitting"  # the intent is committed, the POST may be on its way
    UNCERTAIN = "uncertain"  # sent, no answer: settled by the list endpoint, never by a second POST
    RUNNING = "running"  # the service has a task
    ARCHIVING = "archiving"  # the service is done, the video is not ours yet
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


MOVES: dict[State, frozenset[State]] = {
    # To RUNNING when the answer to its last attempt comes after the job was given back; to
    # UNCERTAIN when a restored database does not know whether it was sent.
    State.QUEUED: frozenset(
        {State.SUBMITTING, State.RUNNING, State.UNCERTAIN, State.CANCELED, State.FAILED}
    ),
    State.SUBMITTING: frozenset({State.RUNNING, State.UNCERTAIN, State.QUEUED, State.FAILED}),
    State.UNCERTAIN: frozenset({State.RUNNING, State.QUEUED, State.FAILED}),
    # A template is an id, not a file: it has nothing to archive, so it succeeds at once.
    # Back to QUEUED when the service itself broke the task: that cost nothing, and a new one may
    # work (CONTRACT §11).
    State.RUNNING: frozenset(
        {
            State.ARCHIVING,
            State.SUCCEEDED,
            State.FAILED,
            State.CANCELED,
            State.QUEUED,
            # a task that was found in the list turns out to be another's, perhaps
            State.UNCERTAIN,
        }
    ),
    State.ARCHIVING: frozenset({State.SUCCEEDED, State.FAILED}),
    State.SUCCEEDED: frozenset(),
    State.FAILED: frozenset(),
    State.CANCELED: frozenset(),
}

TERMINAL = frozenset(state for state, moves in MOVES.items() if not moves)
OPEN = tuple(state for state, moves in MOVES.items() if moves)  # in the order of a job's life
# States in which a task may exist at the service, so it counts against the lane's window.
OUT = frozenset({State.SUBMITTING, State.UNCERTAIN, State.RUNNING})


class Group(IntEnum):
    """What the board's tabs and the indexes go by; stored with the job and written only together
    with its state."""

    WAITING = 0
    WORKING = 1
    ATTENTION = 2
    DONE = 3
    FAILED = 4
    CANCELED = 5
    DELETED = 6  # ended, and in the trash or erased: no list has it


class Rank(IntEnum):
    """What goes first among the jobs of a lane that are due."""

    FRONT = 0  # an admin moved it there: before everybody
    SHORT = 1  # a test clip: first within its person's turn
    NORMAL = 2


class Outcome(StrEnum):
    """What became of one submit."""

    SENDING = "sending"  # the POST may be on its way
    ACCEPTED = "accepted"
    REFUSED = "refused"  # the answer proves that no task was made
    UNCERTAIN = "uncertain"
    LATE = "late"  # accepted, and the job had gone on without it
    NO_TASK = "no-task"  # the service's list, or a person, says that none was made
    ADOPTED = "adopted"  # found in the list
    CHOSEN = "chosen"  # given by a person
    BROKEN = "broken"  # the service made the task and broke it
    UNFETCHED = "unfetched"  # the service made the task and could not fetch our file for it
    DONE = "done"
    ENDED = "ended"  # failed, canceled or lost


class Code(StrEnum):
    """Why it waits, or how it ended. Reported, never steered by."""

    NONE = ""
    # waiting
    WAITING_TURN = "waiting-turn"
    OVER_BUDGET = "over-budget"
    ACCOUNT_PAUSED = "account-paused"
    NEEDS_TEMPLATE = "needs-template"
    BACKING_OFF = "backing-off"  # the service or the network asked us to come later
    HELD_BACK = "held-back"  # a person paused the lane or the account
    # uncertain
    NO_ANSWER = "no-answer"
    SEVERAL_TASKS = "several-tasks"  # more than one task could be ours: a person decides
    # ended
    REJECTED = "rejected"  # the service refused the input
    TASK_FAILED = "task-failed"
    TASK_LOST = "task-lost"  # nobody saw its end
    ARCHIVE_FAILED = "archive-failed"
    BAD_RESULT = "bad-result"
    MODEL_GONE = "model-gone"
    NO_TEMPLATE = "no-template"
    OUR_FAULT = "our-fault"
    CANCELED = "canceled"


class Fault(StrEnum):
    """Whose fault a failure was; "" while nothing failed."""

    NONE = ""
    INPUT = "input"
    OURS = "ours"
    SERVICE = "service"
    ACCOUNT = "account"
    BUDGET = "budget"


FAULT_WORDS: dict[str, Sentence] = {
    Fault.INPUT: phrase("The input"),
    Fault.OURS: phrase("Our side"),
    Fault.SERVICE: phrase("Alibaba’s side"),
    Fault.ACCOUNT: phrase("The Alibaba account"),
    Fault.BUDGET: phrase("The budget"),
}


def group_of(state: State | str, code: str = "") -> Group:
    """The group that a job in `state` with `code` belongs to. A job that waits for a person needs
    attention."""
    state = State(state)
    if state is State.QUEUED:
        return (
            Group.ATTENTION
            if code in (Code.OVER_BUDGET, Code.ACCOUNT_PAUSED, Code.MODEL_GONE)
            else Group.WAITING
        )
    if state is State.UNCERTAIN:
        return Group.ATTENTION
    return {
        State.SUBMITTING: Group.WORKING,
        State.RUNNING: Group.WORKING,
        State.ARCHIVING: Group.WORKING,
        State.SUCCEEDED: Group.DONE,
        State.FAILED: Group.FAILED,
        State.CANCELED: Group.CANCELED,
    }[state]


# label and the look's state word (a mark of the sprite and a colour of the tokens) for the page
LABELS: dict[State, tuple[Sentence, str]] = {
    State.QUEUED: (phrase("Waiting"), "queued"),
    State.SUBMITTING: (phrase("Sending"), "submitting"),
    State.UNCERTAIN: (phrase("Sent, no answer"), "uncertain"),
    State.RUNNING: (phrase("Rendering"), "running"),
    State.ARCHIVING: (phrase("Saving"), "archiving"),
    State.SUCCEEDED: (phrase("Ready"), "succeeded"),
    State.FAILED: (phrase("Failed"), "failed"),
    State.CANCELED: (phrase("Canceled"), "canceled"),
}


def mermaid() -> str:
    """The moves as a mermaid state diagram. docs/architecture.md holds this text; a test compares
    them."""
    lines = ["stateDiagram-v2", "    [*] --> QUEUED"]
    for state, moves in MOVES.items():
        lines += [f"    {state.name} --> {to.name}" for to in State if to in moves]
    lines += [f"    {state.name} --> [*]" for state in State if state in TERMINAL]
    return "\n".join(lines)

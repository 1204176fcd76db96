from __future__ import annotations

from jobs.common.states import LABELS, MOVES, TERMINAL, Code, Group, State, group_of


def test_every_state_can_end() -> None:
    reach = {state: set(moves) for state, moves in MOVES.items()}
    for _ in State:
        for state in State:
            reach[state] |= {far for near in reach[state] for far in reach[near]}
    for state in State:
        assert state in TERMINAL or reach[state] & TERMINAL


def test_succeeding_a_video_goes_through_the_archive() -> None:
    assert {state for state, moves in MOVES.items() if State.SUCCEEDED in moves} == {
        State.ARCHIVING,
        State.RUNNING,
    }
    assert State.QUEUED not in MOVES[State.ARCHIVING], (
        "what was billed is never made again by itself"
    )
    assert State.SUBMITTING not in MOVES[State.UNCERTAIN], (
        "what is in doubt is never sent before the doubt is settled"
    )


def test_each_state_has_a_word_and_a_group() -> None:
    for state in State:
        assert LABELS[state][0]
        assert isinstance(group_of(state), Group)
    assert group_of("queued", Code.OVER_BUDGET) is Group.ATTENTION

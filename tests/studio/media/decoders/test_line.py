"""Who decodes next."""

from __future__ import annotations

from studio.media.decoders.line import Line, Ticket


def admitted(*tickets: Ticket) -> list[bool]:
    return [ticket.admitted.done() for ticket in tickets]


def test_as_many_as_there_are_seats_and_one_of_each_person() -> None:
    line = Line(2)
    a1, a2, b1, c1 = (line.enter(person) for person in "aabc")
    assert admitted(a1, a2, b1, c1) == [True, False, True, False]
    a1.leave()
    assert admitted(a2, c1) == [False, True], "who has had none is first"
    b1.leave()
    assert admitted(a2) == [True]
    for ticket in (a2, c1, a2):  # leaving twice changes nothing
        ticket.leave()
    assert (line.waiting, line.seated, line.last) == ([], [], {})


def test_two_hundred_files_of_two_people_do_not_keep_a_third_waiting() -> None:
    line = Line(2)
    many = [line.enter(person) for _ in range(100) for person in ("a", "b")]
    late = line.enter("c")
    assert line.places("c") == [("", 0)]
    many[0].leave()
    assert admitted(late) == [True]


def test_people_see_how_many_go_first() -> None:
    line = Line(1)
    line.enter("a", "one.jpg")
    for label in ("two.jpg", "three.jpg"):
        line.enter("a", label)
    line.enter("b", "other.jpg")
    assert line.places("b") == [("other.jpg", 0)]
    assert line.places("a") == [("one.jpg", 0), ("two.jpg", 1), ("three.jpg", 2)]
    assert line.places("nobody") == []


def test_work_of_nobody_is_not_held_back_for_being_one_persons() -> None:
    line = Line(2)
    assert admitted(line.enter(""), line.enter("")) == [True, True]


def test_who_goes_away_before_the_turn_comes_gives_it_to_the_next() -> None:
    line = Line(1)
    first, gone, last = line.enter("a"), line.enter("b"), line.enter("c")
    gone.admitted.cancel()
    first.leave()
    assert admitted(last) == [True]
    assert gone not in line.seated

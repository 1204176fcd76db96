"""What is asked for where a click needs approval: the list, a page for each, the answer.
May import the board and the other pages, and the wings below."""

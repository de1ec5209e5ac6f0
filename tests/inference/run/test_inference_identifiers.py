"""Repeated identifiers are counted as a dictionary would."""

from hypothesis import given
from hypothesis import strategies as st

from peftsp.inference.run.identifiers import IdentifierBook


@given(st.lists(st.text("ab", max_size=3), max_size=40))
def test_repeats_are_those_that_a_dictionary_finds(identifiers):
    book = IdentifierBook()
    for identifier in identifiers:
        book.note(identifier)
    assert book.count == len(identifiers)
    again = len(identifiers) - len(set(identifiers))
    firsts = [i for i, name in enumerate(identifiers) if identifiers.count(name) > 1]
    assert book.repeats() == ((again, firsts[0]) if again else None)

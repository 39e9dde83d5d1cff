"""People by columns, in packs, from which is answered what is asked of everybody.

PostgreSQL stores people by rows, and looking at a million rows takes it the better part of a
second. A pack has some ten thousand people by columns: for each field the values that there are,
each once, and for each person the number of theirs. A condition is tried on the values, and what it
says of each looked up for everybody at once.

`forms` is how a column is written, `packing` makes packs of the compact rows, `keeping` is the
worker's loop that does so, `asking` makes a filter ready for packs, `finding` asks them. Whoever
changes is noted in `person_unpacked` by the statement that changes the compact row, and is asked by
SQL until packed anew: so an answer is exact at the instant it is given, like any of SQL's.
"""

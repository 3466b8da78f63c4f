"""Bring in what carriers keep in files: a table of any usual kind in, validated instruments and a report of refusals out.

`source` opens a file, `columns` says which column means what, `values` and `places` read the cells, `checking` puts rows together, `writing`
stores them and `undoing` takes a whole import back. Nothing here knows of pages or commands.
"""

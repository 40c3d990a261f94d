"""Checks that tell a reader what is wrong, not only that something is.

Each lesson has a module here, and each exercise a function in it: an answer in, a ``Verdict`` out.
``answers`` reads what a reader gives and compares it, for all of them.
"""

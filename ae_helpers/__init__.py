"""The workshop behind the lessons of *Sixty-Four Numbers*: nine rooms, as a learner meets them.

- ``data``: where images come from, and how they are checked and batched.
- ``models``: the autoencoder and its relatives, and the files that keep them.
- ``measures``: what a network is worth, beside what costs nothing.
- ``training``: lesson 04's loop, and what a person needs around it.
- ``plots``: tensors in, figures out.
- ``widgets``: explorers, live pictures with controls.
- ``exercises``: checks that name the mistake in an answer.
- ``course``: the lessons as a series, to serve, execute and refresh.
- ``site``: the lessons as a site, a page each.

Imports go one way: down from ``__main__``, the front door, to ``files``, the ground.
"""

__version__ = "0.2.0"

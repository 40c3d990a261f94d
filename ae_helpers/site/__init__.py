"""The site: every lesson as a page, from the outputs that are stored, with explorers that live.

``pages`` turns notebooks into what Sphinx reads, ``build`` has it made into a folder that any web
server serves, ``conf`` is what Sphinx asks, ``illustrations`` gives pictures their words and sizes.
``live`` writes what an explorer is and what ``exports`` hands over of its data, ``networks`` the
layers and weights that it computes with; ``static/live`` is the JavaScript that makes it live.
"""

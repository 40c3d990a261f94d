"""The site: every lesson as a page, from the outputs that are stored.

``pages`` turns notebooks into what Sphinx reads, ``build`` has it made into a folder that any web
server serves, ``conf`` is what Sphinx asks, ``illustrations`` what pictures need,
``static`` what pages need beside the theme.
"""

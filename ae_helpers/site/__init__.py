"""The living site: every lesson as a page, with explorers that need no kernel.

``pages`` turns notebooks into what Sphinx reads, ``build`` has it made into a folder that any web
server serves, ``conf`` is what Sphinx asks, ``static`` what runs in the page.
"""

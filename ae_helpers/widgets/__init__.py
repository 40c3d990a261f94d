"""Explorers: a model and images in, one live widget out, that shows an idea on the reader's own.

``frame`` is what they share; each of the other files holds explorers that belong together.
"""

"""The lessons as a series: serve them, execute them, renew what they store, sweep an experiment.

``series`` finds and serves them, ``execute`` goes through them without a browser, ``refresh``
renews their stored outputs, ``saving`` says what their files keep, ``sessions`` notes which one was
open last, ``sweep`` repeats one with many parameters, ``installation`` looks for what is missing.
"""

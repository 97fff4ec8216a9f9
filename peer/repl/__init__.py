"""Programs entered line by line: what an entry does, and what is shown of it.

========================== =====================================================
:mod:`peer.repl.entries`   lines to entries: what is unfinished goes on
:mod:`peer.repl.workspace` the program so far, and running what an entry asks for
:mod:`peer.repl.pages`     long sequences, a page at a time
:mod:`peer.repl.values`    values as lines of text, with statistics of images
:mod:`peer.repl.pictures`  images as pictures in a folder
:mod:`peer.repl.saving`    the session as a program
:mod:`peer.repl.names`     names that can be typed, and their signatures
:mod:`peer.repl.history`   what was typed before
:mod:`peer.repl.prompt`    typing at a terminal
:mod:`peer.repl.echo`      typing ahead
:mod:`peer.repl.signals`   Ctrl-C, and requests to end
========================== =====================================================

What the commands of a session do and how all is shown is in ``peer.cli``.
"""

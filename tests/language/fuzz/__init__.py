"""Texts made by chance, and what must hold of each.

:mod:`.grammar` makes right programs and says what they print; :mod:`.mistakes` puts one
mistake of a known kind into such a program; :mod:`.noise` makes texts that may be
anything.  ``python -m tests.language.fuzz --help`` runs them for long.
"""

"""Whom to believe, and what follows when somebody was wrong.

Works on a store alone: it needs neither a daemon nor a network.

================ ===========================================================
``attestations`` the signed records of what is here
``drawing``      which results are audited
``findings``     what audits have found
``conflicts``    results that contradict each other
``disputes``     what to make of what members say of each other
``judging``      the consequences of a result that is wrong
``quarantine``   who is not believed, and from which record on
``undoing``      what leaves the store with it
``barring``      who sent damaged bytes, and is not asked for a while
================ ===========================================================
"""

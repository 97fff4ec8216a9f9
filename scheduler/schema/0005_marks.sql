-- Until now the mark of a result that may show an input said only what its primitive
-- does, not what it was made of.  What is kept already counts as showing one, but for
-- masks and numbers; it is marked anew when it is computed again.
UPDATE results SET reveals_input = 1
WHERE kind NOT IN ('mask', 'null', 'bool', 'int', 'double');

-- Put the staged vectors in the place of the old ones.
UPDATE state SET embedding = (SELECT g.embedding FROM staged g WHERE g.state = num)
WHERE cube = ?

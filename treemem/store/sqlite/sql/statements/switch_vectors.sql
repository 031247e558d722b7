-- Put the staged vectors in the place of the old ones.
UPDATE state SET (passages, embedding) = (SELECT g.passages, g.embedding FROM staged g WHERE g.state = num)
WHERE cube = ?

-- Give a state other content in place, whatever it said before.
UPDATE state SET fields = ?, tokens = ?, passages = ?, embedding = ?
WHERE version = ? AND node = (SELECT num FROM node WHERE cube = ? AND kind = 'memory' AND id = ?)

// How many rows of each kind a cube has, and how many of its memories a conversation holds beside what was said.
CALL () { MATCH (m:Memory) WHERE m.cube_id = $given.cube AND m.id > '' RETURN count(m) AS memories,
  sum(COUNT { (m)-[r]->() WHERE {{ours ROW=r}} })
  AS edges, sum(COUNT { (m)<-[:STATE_OF]-() }) AS states }
CALL (memories) { MATCH (s:State)
  WHERE s.cube_id = $given.cube AND s.conversation_id > '' AND s.sequence > $given.above AND s.status = 'logged'
  RETURN count(DISTINCT s.id) AS logged }
CALL (memories) { MATCH (e:Entity) WHERE e.cube_id = $given.cube AND e.id > '' RETURN count(e) AS entities }
CALL (memories) { MATCH (s:Source) WHERE s.cube_id = $given.cube AND s.id > '' RETURN count(s) AS sources }
CALL (memories) { MATCH (o:Operation) WHERE o.cube_id = $given.cube AND o.id > '' RETURN count(o) AS operations }
RETURN memories, logged, states, edges, entities, sources, operations

// New memories, written whole by one statement, if the cube is as whoever made the rows took it to be: no memory and no
// operation of these ids is there, the memories at the other ends of their edges are, each log ends with the number that
// it was seen to end with, and the last time of the cube is the one after which the first row's comes. If not, nothing
// is written, and `fits` is false. Rows are as in `open_states`, `write_nodes` and `write_passages`, but for the
// times of transactions: each has its own. What is written is committed by itself, before it is shown to readers.
{{language}}
UNWIND [$given.cube] AS cube
CALL (cube) {
  MATCH (c:Cube {id: cube})
  SET c.lock = true
  WITH c, {{micros TIME=c.clock}} AS clock
  CALL (c) {
    UNWIND $given.operations AS row
    MATCH (o:Operation {cube_id: $given.cube, id: row.id})
    RETURN count(o) AS done
  }
  CALL (c) {
    UNWIND $given.rows AS row
    MATCH (m:Memory {cube_id: $given.cube, id: row.id})
    RETURN count(m) AS there
  }
  CALL (c) {
    UNWIND $given.ends AS id
    MATCH (m:Memory {cube_id: $given.cube, id: id})
    RETURN count(m) AS ends
  }
  CALL (c) {
    UNWIND $given.logs AS one
    OPTIONAL MATCH (s:State)
    WHERE s.cube_id = $given.cube AND s.conversation_id = one.conversation AND s.sequence > one.above
      AND s.recorded_to = $given.end AND (one.user IS NULL OR s.user_id = one.user)
      AND (one.session IS NULL OR s.session_id = one.session) AND {{holds_last}}
    WITH one, max(s.sequence) AS number
    RETURN count(CASE WHEN coalesce(number, 0) <> one.number THEN 1 END) AS moved
  }
  WITH c, clock, coalesce(done = 0 AND there = 0 AND ends = size($given.ends) AND moved = 0 AND c.erasing IS NULL AND c.loading IS NULL
    AND coalesce(c.sealed_until, 0) <= $given.machine AND c.embedder = $given.embedder AND c.dimension = $given.dimension
    AND $given.at = CASE WHEN $given.now > clock THEN $given.now ELSE clock + 1 END, false) AS fits
  CALL (c, fits) {
    UNWIND CASE WHEN fits THEN $given.entities ELSE [] END AS row
    MERGE (e:Entity {cube_id: $given.cube, id: row.id})
    ON CREATE SET e.name = row.name, e.kind = row.kind
  }
  CALL (c, fits) {
    UNWIND CASE WHEN fits THEN $given.sources ELSE [] END AS row
    MERGE (s:Source {cube_id: $given.cube, id: row.id})
    ON CREATE SET s += row.properties,
      s.chat_time = {{time_or PAIR=row.chat_time ELSE=null}}
  }
  CALL (c, fits) {
    UNWIND CASE WHEN fits THEN $given.operations ELSE [] END AS row
    CREATE (o:Operation {cube_id: $given.cube, id: row.id})
    SET o += row.properties, o.recorded_at = {{time PAIR=row.at}}
  }
  CALL (c, fits) {
    UNWIND CASE WHEN fits THEN $given.rows ELSE [] END AS row
    WITH row, {{time PAIR=row.at}} AS at, {{time PAIR=row.valid_from}} AS valid_from,
         {{time_or PAIR=row.valid_to ELSE=$given.end}} AS valid_to
    CREATE (m:Memory {cube_id: $given.cube, id: row.id})
    SET m += row.cache, m.version = row.version, m.valid_from = valid_from, m.valid_to = valid_to,
        m.recorded_from = at, m.recorded_to = $given.end
    SET m:$(row.kinds)
    CREATE (s:State {cube_id: $given.cube, id: row.id, version: row.version})-[:STATE_OF]->(m)
    SET s += row.properties, s.valid_from = valid_from, s.valid_to = valid_to,
        s.recorded_from = at, s.recorded_to = $given.end, s.opened_by = row.operation,
        s.created_at = {{time PAIR=row.created_at}},
        s.memory_time = {{time_or PAIR=row.memory_time ELSE=null}}
    SET s:$(row.former)
    WITH m, s, row
    CALL db.create.setNodeVectorProperty(s, 'embedding', row.embedding)
    {{open_beside EDGES=row.mentions END=Entity TYPE=MENTIONS AT=s.recorded_from OPERATION=row.operation}}
    {{open_beside EDGES=row.sources END=Source TYPE=DERIVED_FROM AT=s.recorded_from OPERATION=row.operation}}
    {{open_beside EDGES=row.links END=Memory TYPE=$(edge[0]) AT=s.recorded_from OPERATION=row.operation}}
  }
  CALL (c, fits) {
    UNWIND CASE WHEN fits THEN $given.passages ELSE [] END AS row
    MATCH (s:State {cube_id: $given.cube, id: row.id, version: row.version})
    CREATE (s)<-[:PASSAGE_OF]-(p:Passage {number: row.number})
    SET p += s{.cube_id, .id, .version, .status, .memory_type, .valid_from, .valid_to, .recorded_from, .recorded_to},
        p.tokens = row.tokens, p.scope = {{passage_scope}}
    WITH p, row WHERE row.embedding IS NOT NULL
    CALL db.create.setNodeVectorProperty(p, 'embedding', row.embedding)
  }
  FOREACH (_ IN CASE WHEN fits THEN [1] ELSE [] END | SET c.shown = c.clock)
  FOREACH (_ IN CASE WHEN fits THEN [1] ELSE [] END | SET c.clock = {{time PAIR=$given.last}})
  RETURN fits, clock
} IN TRANSACTIONS OF 1 ROW
OPTIONAL MATCH (c:Cube {id: cube})
WHERE fits AND c.erasing IS NULL
SET c.lock = true
WITH fits, clock, c
SET c.shown = c.clock
RETURN fits, clock

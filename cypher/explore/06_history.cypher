// 06 History: what one memory said, when, and why
// What it said, when that held in the world, when the memory knew it, and which operation said so.
// :param cube => 'demo'
// :param id => 'mara-home'
MATCH (m:Memory {cube_id: $cube, id: $id})<-[:STATE_OF]-(s:State)
OPTIONAL MATCH (o:Operation {cube_id: $cube, id: s.opened_by})
RETURN s.version AS version, s.memory AS says, s.status AS status,
       date(s.valid_from) AS holds_from, CASE WHEN s.valid_to.year = 9999 THEN null ELSE date(s.valid_to) END AS holds_to,
       s.recorded_from AS known_from, CASE WHEN s.recorded_to.year = 9999 THEN null ELSE s.recorded_to END AS known_to,
       o.kind AS by, o.actor AS actor, o.reason AS reason
ORDER BY version;

// 02 What about X: all that mentions a name
// The memories that mention it now, and what they are linked to now. 300 rows at most.
// :param cube => 'demo'
// :param name => 'Lena'
MATCH (c:Cube {id: $cube})
WITH CASE WHEN c.clock > datetime() THEN c.clock ELSE datetime() END AS now
CALL (now) {
  MATCH (e:Entity)
  WHERE e.cube_id = $cube AND e.id > '' AND toLower(e.name) = toLower($name)
  MATCH (e)<-[r:MENTIONS]-(m:Memory)<-[:STATE_OF]-(s:State)
  WHERE r.recorded_to > now AND r.valid_from <= now AND r.valid_to > now
    AND s.recorded_to > now AND s.valid_from <= now AND s.valid_to > now AND s.status IN ['activated', 'generated']
  OPTIONAL MATCH (m)-[link:!(MENTIONS|MERGED_INTO|DERIVED_FROM|STATE_OF)]-(other:Memory)
  WHERE link.recorded_to > now AND link.valid_from <= now AND link.valid_to > now
    AND EXISTS {
      (other)<-[:STATE_OF]-(o:State)
      WHERE o.recorded_to > now AND o.valid_from <= now AND o.valid_to > now AND o.status IN ['activated', 'generated']
    }
  RETURN e, r, m, s.memory AS says, link, other
}
RETURN e, r, m, says, link, other
LIMIT 300;

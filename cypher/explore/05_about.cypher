// Everything about one name: the memories that mention it now, and what they are linked to.
// :param cube => 'demo'
// :param name => 'Lena'
MATCH (e:Entity)<-[r:MENTIONS]-(m:Memory)
WHERE e.cube_id = $cube AND e.id > '' AND toLower(e.name) = toLower($name) AND r.recorded_to.year = 9999
OPTIONAL MATCH (m)-[link:CAUSES|FOLLOWS|PARENT|RELATES_TO|SUPERSEDES|CONTRADICTS]-(other:Memory)
WHERE link.recorded_to.year = 9999
RETURN e, r, m, link, other;

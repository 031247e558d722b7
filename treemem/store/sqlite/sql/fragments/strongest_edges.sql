-- The strongest edges of one direction at a node that hold; an index has them in this order.
SELECT * FROM (
  SELECT {{fan_columns}} FROM edge e
  WHERE e.{{END}} = :node AND {{holds ROW=e UNTIL=:u}} AND (e.type IN {{listed NAME=types}}) = :listed
  ORDER BY e.weight DESC, e.tiebreak LIMIT :fan)

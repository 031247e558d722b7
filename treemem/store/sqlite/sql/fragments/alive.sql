-- Whether an end of an edge is no memory, or one with a state that holds at the moment.
({{NODE}}.kind <> 'memory' OR EXISTS (
  SELECT 1 FROM state s
  WHERE s.node = e.{{END}} AND {{holds ROW=s UNTIL=:t}} AND s.status IN {{listed NAME=statuses}}))

// Through which nodes a the walk goes on, in which order. No hub: edges are counted by degree, which costs nothing; where
// that is too high because others joined the memory as well, those of ours are counted, and only there: behind an OR the
// server would count them of every node. No node whose only edge is the one that led there. Those with the fewest edges
// come first, since reading may stop before the last.
WITH a, t, k, u, COUNT { (a)--() } - COUNT { (a)<-[:STATE_OF]-() } AS degree
WHERE degree > 1 AND CASE
  WHEN degree <= $given.hub_degree THEN true
  WHEN a:Memory THEN COUNT { (a)-[r:{{edge_types}}]-() WHERE {{ours ROW=r}} } <= $given.hub_degree
  ELSE false
END
WITH a, t, k, u ORDER BY degree, a.id

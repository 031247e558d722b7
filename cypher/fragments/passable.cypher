// Whether a node a is no hub. Edges are counted by degree, which costs nothing; where that is too high because others
// joined the memory as well, those of ours are counted.
COUNT { (a)--() } - COUNT { (a)<-[:STATE_OF]-() } <= $given.hub_degree
OR a:Memory AND COUNT { (a)-[r:{{edge_types}}]-() WHERE {{ours ROW=r}} } <= $given.hub_degree

// Keys: one node per id in a cube. MERGE on these is safe under concurrency only because they are unique.
CREATE CONSTRAINT treemem_cube IF NOT EXISTS FOR (n:Cube) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT treemem_memory IF NOT EXISTS FOR (n:Memory) REQUIRE (n.cube_id, n.id) IS UNIQUE;
CREATE CONSTRAINT treemem_state IF NOT EXISTS FOR (n:State) REQUIRE (n.cube_id, n.id, n.version) IS UNIQUE;
CREATE CONSTRAINT treemem_entity IF NOT EXISTS FOR (n:Entity) REQUIRE (n.cube_id, n.id) IS UNIQUE;
CREATE CONSTRAINT treemem_source IF NOT EXISTS FOR (n:Source) REQUIRE (n.cube_id, n.id) IS UNIQUE;
CREATE CONSTRAINT treemem_operation IF NOT EXISTS FOR (n:Operation) REQUIRE (n.cube_id, n.id) IS UNIQUE;
CREATE CONSTRAINT treemem_tombstone IF NOT EXISTS FOR (n:Tombstone) REQUIRE (n.cube_id, n.id) IS UNIQUE;
CREATE CONSTRAINT treemem_lease IF NOT EXISTS FOR (n:Lease) REQUIRE n.cube_id IS UNIQUE;

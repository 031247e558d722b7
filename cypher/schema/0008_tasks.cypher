// Tasks: what is to be done later, by a worker. What is due is found by its state, whatever was done before.
CREATE CONSTRAINT treemem_task IF NOT EXISTS FOR (n:Task) REQUIRE (n.cube_id, n.id) IS UNIQUE;
CREATE INDEX treemem_task_due IF NOT EXISTS FOR (n:Task) ON (n.cube_id, n.state, n.due);
CREATE INDEX treemem_task_since IF NOT EXISTS FOR (n:Task) ON (n.cube_id, n.state, n.since);
CREATE INDEX treemem_task_created IF NOT EXISTS FOR (n:Task) ON (n.cube_id, n.state, n.created);
CREATE INDEX treemem_task_owner IF NOT EXISTS FOR (n:Task) ON (n.cube_id, n.owner, n.state, n.created);

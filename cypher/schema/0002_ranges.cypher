// Ranges: what an operation opened and closed, what is known now, the audit trail in order of time.
CREATE INDEX treemem_state_opened IF NOT EXISTS FOR (n:State) ON (n.cube_id, n.opened_by);
CREATE INDEX treemem_state_closed IF NOT EXISTS FOR (n:State) ON (n.cube_id, n.closed_by);
CREATE INDEX treemem_state_known IF NOT EXISTS FOR (n:State) ON (n.cube_id, n.recorded_to, n.valid_to);
CREATE INDEX treemem_operation_time IF NOT EXISTS FOR (n:Operation) ON (n.cube_id, n.recorded_at);
CREATE INDEX treemem_operation_part IF NOT EXISTS FOR (n:Operation) ON (n.cube_id, n.part_of);

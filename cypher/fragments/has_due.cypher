// Whether a cube c has a task of a state whose time, FIELD, lies so.
EXISTS { MATCH (t:Task) WHERE t.cube_id = c.id AND t.state = '{{STATE}}' AND t.{{FIELD}} {{SO}} }

// Say how a task stands.
MATCH (t:Task {cube_id: $given.cube, id: $given.id})
SET t += $given.properties

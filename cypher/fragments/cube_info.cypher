// What a cube c is, as columns: its clock in microseconds, its embedding model, what is being loaded.
c.id AS id, [t IN [{{shown}}] | {{micros TIME=t}}][0] AS clock, c.embedder AS embedder, c.dimension AS dimension,
coalesce(c.epoch, 0) AS epoch, c.loading AS loading

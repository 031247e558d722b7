-- A cube that gets rows of an archive beside its own: its clock, if that is later, and its model, if it has none.
UPDATE cube SET clock = max(clock, :clock), embedder = coalesce(embedder, :embedder),
  dimension = coalesce(dimension, :dimension), epoch = epoch + 1
WHERE id = :cube
RETURNING num

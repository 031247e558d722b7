-- Every state of these memories, given by number; with :recorded_to only those closed then, or known now where it is END.
SELECT {{state_columns EMBEDDING=s.embedding}}
FROM state s JOIN node n ON n.num = s.node {{by_operations ROW=s}}
WHERE s.node IN {{listed NAME=nodes}} AND (:recorded_to IS NULL OR s.recorded_to = :recorded_to)

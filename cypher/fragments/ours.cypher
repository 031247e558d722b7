// Whether a relationship of a memory is an edge of ours: others may join our nodes as they like. One that holds at a
// moment, or is known now, is ours in any case: only ours have those times.
{{ROW}}.opened_by IS NOT NULL AND {{ROW}}.recorded_from IS NOT NULL AND {{ROW}}.tiebreak IS NOT NULL

// Sources, made once. Times come as [seconds, nanoseconds].
UNWIND $rows AS row
MERGE (s:Source {cube_id: $cube, id: row.id})
ON CREATE SET s += row.properties,
  s.chat_time = CASE WHEN row.chat_time IS NULL THEN null
                ELSE datetime({epochSeconds: row.chat_time[0], nanosecond: row.chat_time[1]}) END

-- Whether a state s is known now and belongs to a log: to a conversation, and to its user or session where it has one.
s.cube = :cube AND s.conversation = :conversation AND s.sequence IS NOT NULL AND s.recorded_to = :end
AND (:user IS NULL OR s.fields ->> '$.user_id' = :user) AND (:session IS NULL OR s.fields ->> '$.session_id' = :session)

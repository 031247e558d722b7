-- Say how a task stands.
UPDATE task SET state = :state, due = :due, since = :since, fence = :fence, attempts = :attempts, holder = :holder,
  reason = :reason, result = :result, started = :started, finished = :finished
WHERE cube = {{cube_number}} AND id = :id

-- A task as tasks.task_of() takes it.
id, kind, payload, created, user_id, session_id, state, due, since, fence, attempts, holder, reason, result, started, finished

-- An operation as rows.operation() takes it.
id, kind, recorded_at, status, actor, reason, part_of, undoes, payload_hash, receipt, touched

-- A tombstone of an archive, with the operation that purged it.
INSERT INTO tombstone (cube, id, purged_at, reason, operation)
VALUES (:cube, :id, :purged_at, :reason,
        coalesce(
          (SELECT num FROM operation WHERE cube = :cube AND id = :operation),
          (SELECT num FROM operation WHERE cube = :cube AND recorded_at = :purged_at AND kind = 'purge' LIMIT 1)))
ON CONFLICT DO NOTHING

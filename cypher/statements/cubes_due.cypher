// The cubes that have a task which a worker may take up.
MATCH (c:Cube)
WHERE c.id > '' AND c.erasing IS NULL AND (
  {{has_due STATE=waiting FIELD=due SO="<= $given.now"}}
  OR {{has_due STATE=waiting FIELD=since SO="> $given.latest"}}
  OR {{has_due STATE=running FIELD=due SO="<= $given.machine"}}
  OR {{has_due STATE=running FIELD=since SO="> $given.machine_latest"}})
RETURN c.id AS id
ORDER BY id

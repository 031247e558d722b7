-- The tasks that a worker may take up: they are due, or their lease ended; or a clock that has stepped back set that.
{{due_some STATE=waiting FIELD=due SO="<= :now"}}
UNION {{due_some STATE=waiting FIELD=since SO="> :now + :skew"}}
UNION {{due_some STATE=running FIELD=due SO="<= :machine"}}
UNION {{due_some STATE=running FIELD=since SO="> :machine + :skew"}}

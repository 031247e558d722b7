// The tasks that a worker may take up: they are due, or their lease ended; or a clock that has stepped back set that.
{{due_some STATE=waiting FIELD=due SO="<= $given.now"}}
UNION
{{due_some STATE=waiting FIELD=since SO="> $given.latest"}}
UNION
{{due_some STATE=running FIELD=due SO="<= $given.machine"}}
UNION
{{due_some STATE=running FIELD=since SO="> $given.machine_latest"}}

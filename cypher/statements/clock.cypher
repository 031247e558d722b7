// The last transaction time of a cube that is shown to readers.
MATCH (c:Cube {id: $given.cube})
RETURN [t IN [{{shown}}] | {{micros TIME=t}}][0] AS clock

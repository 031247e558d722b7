// The lease of a cube, whoever has or had it last.
MATCH (l:Lease {cube_id: $given.cube})
RETURN l.holder AS holder, l.fence AS fence, {{micros TIME=l.expires}} AS expires

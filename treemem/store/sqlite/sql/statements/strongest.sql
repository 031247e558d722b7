-- The strongest edges of a node that hold, at most :fan in each direction.
{{strongest_edges END=src}}
UNION ALL
{{strongest_edges END=dst}}

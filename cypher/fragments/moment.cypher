// The moment of a read: c is the cube, clock the last transaction time shown to readers, k the transaction time and
// t the valid time asked for. Left open, k is the clock, and t the later one of the time of asking and the clock,
// unless the clock is so far ahead ($latest) that a machine's clock was wrong.
MATCH (c:Cube {id: $given.cube})
WITH c, {{shown}} AS clock
WITH c, clock, coalesce($given.known_at, clock) AS k
WITH c, clock, k,
     CASE WHEN $given.valid_at IS NOT NULL THEN $given.valid_at WHEN $given.now > clock OR clock > $given.latest THEN $given.now ELSE clock END AS t

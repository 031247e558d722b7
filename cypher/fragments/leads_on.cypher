// Whether the walk takes an edge r from a node a in its hop HOP, which is not the first. In its last hop a memory passes
// on no mention: the name at its end would lead nowhere, unless it was reached before.
($given.hops > {{HOP}} OR NOT r:MENTIONS OR a:Entity)

// The last transaction time of a cube c that is shown to readers. A server puts what is committed into its nodes first
// and into its indexes then, so a write shows its time only when its commit is whole.
coalesce(c.shown, c.clock)

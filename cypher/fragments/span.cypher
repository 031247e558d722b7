// The span of a read: c, clock and k as in `moment`; t is the first valid time of it and u the last. Both are the
// moment's where no span is asked for.
{{moment}}
WITH c, clock, k, coalesce($given.since, t) AS t, coalesce($given.until, t) AS u

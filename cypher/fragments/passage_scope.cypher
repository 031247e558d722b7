// The scope of a passage of a state s: that of the state, but for the word of its status, by which the two are told apart.
replace(s.scope, $given.scope + 's', $given.scope + 'p')

// The question of the index of words: the tokens asked for, in what has one of the statuses and holds at the moment.
'+scope:(' + {{STATUSES}} + ')^0 +scope:[' + $given.scope + 'f TO ' + $given.scope + 'f' + u18 + ']^0 +scope:{'
      + $given.scope + 'e' + t18 + ' TO ' + $given.scope + 'f}^0 +scope:[' + $given.scope + 'r TO ' + $given.scope + 'r' + k18
      + ']^0 +scope:{' + $given.scope + 'x' + k18 + ' TO ' + $given.scope + 'y}^0 +tokens:(' + $given.text + ')'

// A time from a pair as in `time`, or something else where there is none.
CASE WHEN {{PAIR}} IS NULL THEN {{ELSE}} ELSE {{time PAIR="{{PAIR}}"}} END

// A time as microseconds since year 1 in 18 digits, as the words of `scope` have it: such words sort as the times do.
right('000000000000000000' + toString(({{TIME}}.epochSeconds + 62135596800) * 1000000 + {{TIME}}.microsecond), 18)

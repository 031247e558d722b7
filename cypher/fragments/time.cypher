// A time from a pair [seconds since 1970, nanoseconds]: the driver writes two integers much faster than a datetime.
datetime({epochSeconds: {{PAIR}}[0], nanosecond: {{PAIR}}[1]})

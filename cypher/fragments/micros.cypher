// A stored time as microseconds since 1970: the driver reads an integer much faster than a datetime.
{{TIME}}.epochSeconds * 1000000 + {{TIME}}.microsecond

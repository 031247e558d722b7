-- The members of a JSON list given as a parameter.
(SELECT value FROM json_each(:{{NAME}}))

-- What a user says of an edge, as JSON; NULL where nothing is said.
ALTER TABLE edge ADD COLUMN properties TEXT;

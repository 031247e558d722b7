-- Passages: how many vectors of passages follow that of the text.
ALTER TABLE state ADD COLUMN passages INTEGER NOT NULL DEFAULT 0;
ALTER TABLE staged ADD COLUMN passages INTEGER NOT NULL DEFAULT 0;

-- Which archive is being loaded into a cube; nothing of it is shown until that is done.
ALTER TABLE cube ADD COLUMN loading TEXT;

-- Close edges known now.
UPDATE edge SET recorded_to = ?, closed_by = ?
WHERE src = ? AND dst = ? AND type = ? AND valid_from = ? AND recorded_to = ?

// Labels: a memory has its type as a label, Topic if it is one, and Former, as a state has, if it is no longer so. What
// was written before is labelled in parts by treemem/store/neo4j/converting.py.

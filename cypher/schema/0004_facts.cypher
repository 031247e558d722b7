// Facts: the keys of `info` are no property keys any more, but words in a list that filters test; what was written
// before is converted in parts by treemem/store/neo4j/converting.py.

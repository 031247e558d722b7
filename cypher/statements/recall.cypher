// One question in one statement, behind that of its time: seeds of both arms, entities named, then up to three hops
// over typed edges from the entities and the best seeds of each arm. No hub is walked through, but every seed is walked
// from.
{{language}}
{{span}}
WITH c, clock, t, k, u, {{sortable TIME=t}} AS t18, {{sortable TIME=u}} AS u18, {{sortable TIME=k}} AS k18
CALL (t, k, u, t18, u18, k18) {
  CALL (t, k, u, t18, u18, k18) {
    WITH t, k, u WHERE $given.vector IS NOT NULL
    {{nearest_states UNTIL=u LIMIT=$given.vector_breadth FILTER="{{IN_INDEX}}"}}
    WHERE true{{FILTER}}
    RETURN s, score, 'vector' AS arm
    UNION ALL
    WITH t, k, u WHERE $given.vector IS NOT NULL
    {{nearest_passages UNTIL=u LIMIT=$given.passage_breadth FILTER="{{IN_INDEX}}"}}
    WHERE true{{FILTER}}
    RETURN s, score, 'vector' AS arm
    UNION ALL
    WITH t, k, u, {{words_query STATUSES=$given.text_statuses}} AS query WHERE $given.text IS NOT NULL
    {{matching_states}}
    WHERE s.cube_id = $given.cube AND s.status IN $given.statuses AND {{holds ROW=s SINCE=t UNTIL=u}}{{FILTER}}
    RETURN s, score, 'text' AS arm
    UNION ALL
    WITH t, k, u, {{words_query STATUSES=$given.passage_statuses}} AS query WHERE $given.text IS NOT NULL
    {{matching_passages}}
    WHERE s.cube_id = $given.cube AND s.status IN $given.statuses AND {{holds ROW=s SINCE=t UNTIL=u}}{{FILTER}}
    RETURN s, score, 'text' AS arm
  }
  WITH s, arm, max(score) AS score ORDER BY score DESC, s.id, s.version
  WITH arm, collect([s, score])[..CASE arm WHEN 'vector' THEN $given.vector_limit ELSE $given.text_limit END] AS best
  WITH [one IN best | [one[0].id, one[0].version, arm, one[1], one[0].memory_type,
       {{micros TIME=one[0].valid_from}}, {{micros TIME=one[0].valid_to}}]] AS seeds,
       [one IN best[..$given.walk_seeds] | one[0]] AS starts
  WITH reduce(all = [], some IN collect(seeds) | all + some) AS seeds,
       reduce(all = [], some IN collect(starts) | all + some) AS starts
  RETURN seeds, COLLECT { UNWIND starts AS s MATCH (s)-[:STATE_OF]->(m:Memory) RETURN DISTINCT m } AS found
}
CALL (k) {
  UNWIND $given.entity_ids AS id
  MATCH (e:Entity {cube_id: $given.cube, id: id})
  RETURN collect(e) AS named
}
WITH c, clock, t, k, u, seeds, named, found + named AS L0
{{hop HOP=1 FROM=L0 BEFORE="L0" START="WITH a, t, k, u" FOLLOWED="true" MOST="" FRESH="NOT b IN L0"
      CACHED="{{CACHED}}" VISIBLE="{{VISIBLE}}"}}
{{hop HOP=2 FROM=L1 BEFORE="L0, L1" START="{{passable}}" FOLLOWED="{{leads_on HOP=2}}" MOST=" LIMIT $given.hop_edges"
      FRESH="NOT b IN L0 AND NOT b IN L1" CACHED="{{CACHED}}" VISIBLE="{{VISIBLE}}"}}
{{hop HOP=3 FROM=L2 BEFORE="L0, L1, L2" START="{{passable}}" FOLLOWED="{{leads_on HOP=3}}" MOST=" LIMIT $given.hop_edges"
      FRESH="NOT b IN L0 AND NOT b IN L1 AND NOT b IN L2" CACHED="{{CACHED}}" VISIBLE="{{VISIBLE}}"}}
CALL (R1, R2, R3) {
  UNWIND R1 + R2 + R3 AS r
  WITH DISTINCT r
  RETURN collect([type(r), startNode(r).id, endNode(r).id, r.weight, r.confidence]) AS edges
}
RETURN {{micros TIME=clock}} AS clock, c.embedder AS embedder, c.dimension AS dimension,
       seeds, [e IN named | [e.id, e.name, e.kind]] AS named,
       M1 + M2 + M3 AS memories, [e IN L1 + L2 + L3 WHERE e:Entity | [e.id, e.name, e.kind]] AS entities,
       [e IN L1 + L2 + L3 WHERE e:Source | e.id] AS sources, edges

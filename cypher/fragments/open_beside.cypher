// Open the edges that start at a memory m together with its state s. An edge is a list: type, id of its end, weight,
// confidence, tiebreak, the user's properties as JSON, and its valid times as pairs; one without times holds as long
// as its state.
CALL (m, s, row) {
  UNWIND {{EDGES}} AS edge
  MATCH (b:{{END}} {cube_id: $given.cube, id: edge[1]})
  CREATE (m)-[:{{TYPE}} {
    weight: edge[2], confidence: edge[3], tiebreak: edge[4], recorded_from: {{AT}}, recorded_to: $given.end,
    opened_by: {{OPERATION}}, properties: edge[5],
    valid_from: CASE WHEN edge[6] IS NULL THEN s.valid_from
                ELSE {{time PAIR=edge[6]}} END,
    valid_to: CASE WHEN edge[6] IS NULL THEN s.valid_to WHEN edge[7] IS NULL THEN $given.end
              ELSE {{time PAIR=edge[7]}} END}]->(b)
}

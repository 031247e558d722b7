// The label of a memory m of which every state is a former one, in a list.
CASE WHEN NOT EXISTS { (m)<-[:STATE_OF]-(held:State) WHERE NOT held:Former } THEN ['Former'] ELSE [] END

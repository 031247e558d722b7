// Label a memory m as what it shows: its type, whether it is a topic, and as the list `gone` says whether nothing of it is
// so any more. See rows.KINDS.
REMOVE m:WorkingMemory:LongTermMemory:UserMemory:OuterMemory:PreferenceMemory:ToolSchemaMemory:ToolTrajectoryMemory:SkillMemory:KnowledgeBaseMemory:Topic:Former
SET m:$([kind IN ['WorkingMemory', 'LongTermMemory', 'UserMemory', 'OuterMemory', 'PreferenceMemory', 'ToolSchemaMemory',
                  'ToolTrajectoryMemory', 'SkillMemory', 'KnowledgeBaseMemory'] WHERE kind = m.memory_type]
        + CASE WHEN m.type = 'topic' THEN ['Topic'] ELSE [] END + gone)

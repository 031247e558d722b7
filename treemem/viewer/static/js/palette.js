// Colours of nodes and edges: those of the style for Neo4j Browser, lighter on a dark ground.

const LIGHT = {
  memory: "#2F6690", topic: "#5A3E85", entity: "#81A88D", entityName: "#3f6a4e", source: "#C8B8A6", text: "#2b3744", halo: "#f7f8fa", hit: "#e8590c", ring: "#ffffff",
  WorkingMemory: "#1B998B", UserMemory: "#5E60CE", OuterMemory: "#577590", PreferenceMemory: "#B56576", KnowledgeBaseMemory: "#4D7EA8",
  SkillMemory: "#8D6A9F", ToolSchemaMemory: "#6C757D", ToolTrajectoryMemory: "#868E96",
  CAUSES: "#C1121F", PARENT: "#5A3E85", SUPERSEDES: "#E0A458", CONTRADICTS: "#D6277F", MERGED_INTO: "#B5803B", RELATES_TO: "#2F6690",
  FOLLOWS: "#C9CED6", MENTIONS: "#A9C4B2", DERIVED_FROM: "#C8B8A6", own: "#A5ABB6",
};
const DARK = {
  ...LIGHT, memory: "#4A90C2", entityName: "#9cc4a9", topic: "#B9A3E3", source: "#8d7f70", text: "#d3dae2", halo: "#0e1217", hit: "#ff9a4d", ring: "#0e1217",
  KnowledgeBaseMemory: "#7BA7CC", UserMemory: "#8B8DF0",
  CAUSES: "#FF5D5D", PARENT: "#A88FD8", CONTRADICTS: "#FF6FB5", RELATES_TO: "#5B9BD5", FOLLOWS: "#46515d", MENTIONS: "#4d6b58", DERIVED_FROM: "#6d6257",
};
const WIDTHS = { CAUSES: 3.2, PARENT: 3.2, SUPERSEDES: 2.4, CONTRADICTS: 2.4, MERGED_INTO: 1.8, RELATES_TO: 1.6 };

export const dark = matchMedia("(prefers-color-scheme: dark)");
export const palette = () => (dark.matches ? DARK : LIGHT);
export const edgeColour = (type) => palette()[type] ?? palette().own;
export const edgeWidth = (type) => WIDTHS[type] ?? 1;

/** Return what a node counts as: entity, source, topic, or its type of memory. */
export function family(node) {
  if (node.kind !== "memory") return node.kind;
  return node.type === "topic" ? "topic" : node.memory_type;
}
export const nodeColour = (name) => palette()[name] ?? palette().memory;

const NAMES = { entity: "Names", source: "Sources", topic: "Topics", LongTermMemory: "Long-term memories" };
export const familyName = (name) => NAMES[name] ?? name.replace(/([a-z])([A-Z])/g, "$1 $2").replace(/ Memory$/, " memories");

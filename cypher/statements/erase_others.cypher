// Erase the next entities, sources, operations, tombstones and tasks of a cube that is being erased.
MATCH (c:Cube {id: $given.cube})
SET c.lock = true
WITH c WHERE c.erasing
{{erase_some LABEL=Entity ERASED=entities}}
{{erase_some LABEL=Source ERASED=sources}}
{{erase_some LABEL=Operation ERASED=operations}}
{{erase_some LABEL=Tombstone ERASED=tombstones}}
{{erase_some LABEL=Task ERASED=tasks}}
RETURN entities + sources + operations + tombstones + tasks AS erased

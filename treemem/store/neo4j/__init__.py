"""The Neo4j store, on the official driver.

Nothing is loaded here: the folder of Cypher files is asked for by what has no server, and the driver takes 0.3 seconds.
"""

"""Ways from a memory to other libraries, each a module that imports its library when it is used."""

"""Ways from a memory to other libraries, each a module or package that imports its library when it is used."""

"""Reading a need: one module for each kind of condition; `finders` names them all in the order in which they take words."""

"""Pages for analysts and operators, and what keeps them true."""

"""Publications: what the register makes public, by whose hands, and the chain that proves that nobody changed it."""

"""Which products to show a visitor: best first, each with the reasons (decision 0024)."""

"""Pictures of figures, as SVG: maps and diagrams that a person looks at."""

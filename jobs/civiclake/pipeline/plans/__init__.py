"""Where the next ones should stand: questions to the city's own figures, answered and kept."""

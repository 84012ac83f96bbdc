"""How public transport really runs: the timetable against where vehicles were seen."""

"""The same work as the users of other tools would write it, one program for each tool."""

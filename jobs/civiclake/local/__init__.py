"""Services of one machine: what `make up` starts and `make down` stops."""

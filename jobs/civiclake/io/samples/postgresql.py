"""A table of a PostgreSQL server; who asks stands in PGUSER and PGPASSWORD."""

from __future__ import annotations

import psycopg
from psycopg import sql

from civiclake.contracts.draft.sample import Sample
from civiclake.errors import SourceError, SourceUnavailable, UserError
from civiclake.io.samples.asked import Asked
from civiclake.io.samples.collect import collect
from civiclake.io.samples.databases import FETCHED, Address, read_address, server
from civiclake.io.sources import postgresql_catalogue as catalogue


def take(source: str, department: str, asked: Asked) -> Sample:
    """The rows, and what the server itself says of types and key.

    Raises:
        UserError: the address is incomplete, or there is no such table.
        SourceError: the table can't be read.
    """
    address = read_address(source, "postgresql://host:port/database/schema.table", "PGPASSWORD")
    table = address.table if "." in address.table else f"public.{address.table}"
    schema, _, name = table.partition(".")
    try:
        with _connect(address) as connection:
            kinds = catalogue.columns(connection, schema, name, sized=True)
            if not kinds:
                raise UserError(f"the database {address.database} has no table {table}")
            key = catalogue.primary_key(connection, schema, name)
            chosen = sql.SQL(", ").join(
                sql.SQL("{}::text").format(sql.Identifier(column)) for column in kinds
            )
            query = sql.SQL("SELECT {} FROM {} LIMIT {}").format(
                chosen, sql.Identifier(schema, name), sql.Literal(asked.rows + 1)
            )
            with connection.cursor("civiclake_new") as cursor:
                cursor.itersize = FETCHED
                cursor.execute(query)
                found = collect(cursor, asked.rows)
    except psycopg.OperationalError as error:
        said = str(error).strip().splitlines()[0]
        raise SourceUnavailable(f"{address.host} does not let us look: {said}") from None
    except psycopg.Error as error:
        raise SourceError(f"{table} can't be read: {str(error).splitlines()[0]}") from None
    return Sample(
        header=tuple(kinds),
        rows=found.rows,
        server=server("postgresql", department, address.database) | {"schema": schema},
        loading={"load": "snapshot", "connection": f"{department}_db"},
        origin=f"table {table} of database {address.database}",
        physical_name=table,
        declared_key=key,
        declared_types=kinds,
        complete=found.complete,
    )


def _connect(address: Address) -> catalogue.Connection:
    return psycopg.connect(
        host=address.host,
        port=address.port or 5432,
        dbname=address.database,
        user=address.user,
        connect_timeout=4,
        options="-c timezone=UTC -c datestyle=ISO -c intervalstyle=iso_8601"
        " -c default_transaction_read_only=on",
    )

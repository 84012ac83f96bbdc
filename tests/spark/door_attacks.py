"""Ways round the analysts' door, by kind: what is tried, and what must be said of it.

``{lake}`` is the root of the lake, ``{out}`` a folder that anybody may write to.
"""

from __future__ import annotations

REFUSED = r"is refused at the analysts' door"
UNKNOWN = r"cannot be found"
NO_SUCH = (
    r"Syntax error|is not valid|not supported|Unsupported|Cannot resolve|Could not resolve"
    r"|must be a constant|is not a Delta table|can not be recognized"
)
CLOSED = rf"{REFUSED}|{UNKNOWN}|{NO_SUCH}"

CHANGES = {
    "insert": "INSERT INTO unified.visits VALUES (9, 'x', date'2026-01-01')",
    "insert overwrite": "INSERT OVERWRITE unified.visits SELECT * FROM unified.visits",
    "insert replace": "INSERT INTO unified.visits REPLACE WHERE true SELECT * FROM unified.visits",
    "insert by path": "INSERT INTO delta.`{lake}/unified/visits` SELECT * FROM unified.visits",
    "insert from": "FROM unified.visits INSERT INTO unified.visits SELECT *",
    "insert twice": "FROM unified.visits INSERT INTO unified.visits SELECT *"
    " INSERT INTO unified.visits SELECT *",
    "insert directory": "INSERT OVERWRITE DIRECTORY '{out}/a' USING csv SELECT 1",
    "insert local directory": "INSERT OVERWRITE LOCAL DIRECTORY '{out}/b' USING csv SELECT 1",
    "insert in cte": "WITH x AS (SELECT * FROM unified.visits) INSERT INTO unified.visits"
    " SELECT * FROM x",
    "update": "UPDATE unified.visits SET facility = 'x'",
    "delete": "DELETE FROM unified.visits",
    "delete by path": "DELETE FROM delta.`{lake}/unified/visits`",
    "merge": "MERGE INTO unified.visits t USING unified.visits s ON t.id = s.id"
    " WHEN MATCHED THEN DELETE",
    "truncate": "TRUNCATE TABLE unified.visits",
    "load": "LOAD DATA INPATH '{lake}/unified/visits' INTO TABLE unified.visits",
    "streaming table": "CREATE STREAMING TABLE x AS SELECT 1",
    "materialized view": "CREATE MATERIALIZED VIEW x AS SELECT 1",
    "create table": "CREATE TABLE unified.mine (a INT) USING delta",
    "create external": "CREATE TABLE unified.mine USING text LOCATION '/etc/passwd'",
    "create open": "CREATE TABLE unified.mine USING delta LOCATION '{lake}/raw/visits'",
    "ctas": "CREATE TABLE marts.mine USING delta AS SELECT * FROM unified.visits",
    "ctas parquet": "CREATE TABLE mine USING parquet LOCATION '{out}/c' AS SELECT 1 AS a",
    "create like": "CREATE TABLE unified.mine LIKE unified.visits",
    "replace table": "CREATE OR REPLACE TABLE unified.visits (a INT) USING delta",
    "drop table": "DROP TABLE unified.visits",
    "alter add": "ALTER TABLE unified.visits ADD COLUMN x INT",
    "alter rename": "ALTER TABLE unified.visits RENAME TO unified.other",
    "alter location": "ALTER TABLE unified.visits SET LOCATION '{lake}/raw/visits'",
    "alter properties": "ALTER TABLE unified.visits SET TBLPROPERTIES ('a' = 'b')",
    "comment": "COMMENT ON TABLE unified.visits IS 'x'",
    "view": "CREATE VIEW unified.v AS SELECT 1",
    "temporary view": "CREATE TEMPORARY VIEW v AS SELECT * FROM unified.visits",
    "temporary view over files": "CREATE TEMPORARY VIEW v USING text OPTIONS (path '/etc/passwd')",
    "global view": "CREATE GLOBAL TEMPORARY VIEW v AS SELECT 1",
    "function": "CREATE FUNCTION f AS 'java.lang.Runtime'",
    "function with jar": "CREATE FUNCTION f AS 'x.Y' USING JAR '{out}/x.jar'",
    "temporary function": "CREATE TEMPORARY FUNCTION f AS 'java.lang.Runtime'",
    "sql function": "CREATE TEMPORARY FUNCTION f() RETURNS INT RETURN 1",
    "drop function": "DROP TEMPORARY FUNCTION IF EXISTS sum",
    "create schema": "CREATE SCHEMA mine LOCATION '{out}/d'",
    "drop schema": "DROP SCHEMA unified CASCADE",
    "alter schema": "ALTER SCHEMA unified SET LOCATION '{lake}/raw'",
    "optimize": "OPTIMIZE unified.visits",
    "optimize by path": "OPTIMIZE delta.`{lake}/unified/visits`",
    "vacuum": "VACUUM unified.visits RETAIN 0 HOURS",
    "vacuum by path": "VACUUM '{lake}/unified/visits'",
    "restore": "RESTORE TABLE unified.visits TO VERSION AS OF 0",
    "convert": "CONVERT TO DELTA parquet.`{lake}/unified/visits`",
    "clone": "CREATE TABLE unified.mine SHALLOW CLONE unified.visits",
    "generate": "GENERATE symlink_format_manifest FOR TABLE unified.visits",
    "reorg": "REORG TABLE unified.visits APPLY (PURGE)",
    "cache": "CACHE TABLE unified.visits",
    "cache select": "CACHE TABLE x AS SELECT * FROM unified.visits",
    "uncache": "UNCACHE TABLE unified.visits",
    "clear cache": "CLEAR CACHE",
    "analyze": "ANALYZE TABLE unified.visits COMPUTE STATISTICS",
    "refresh": "REFRESH TABLE unified.visits",
    "refresh path": "REFRESH '{lake}/raw/visits'",
    "repair": "MSCK REPAIR TABLE unified.visits",
}

SETTINGS = {
    "set": "SET spark.sql.runSQLOnFiles=true",
    "set catalog class": "SET spark.sql.catalog.spark_catalog=x.Y",
    "set all": "SET",
    "set verbose": "SET -v",
    "show a setting": "SET spark.app.name",
    "set hive": "SET hive.exec.scratchdir=/x",
    "set delta": "SET spark.databricks.delta.retentionDurationCheck.enabled=false",
    "set system": "SET system:civiclake.lake=/",
    "set env": "SET env:PATH=/",
    "reset": "RESET",
    "reset one": "RESET spark.sql.runSQLOnFiles",
    "declare": "DECLARE VARIABLE x INT DEFAULT 1",
    "set variable": "SET VAR x = (SELECT 1)",
    "drop variable": "DROP TEMPORARY VARIABLE x",
    "add jar": "ADD JAR '{out}/x.jar'",
    "add file": "ADD FILE '/etc/passwd'",
    "add archive": "ADD ARCHIVE '{out}/x.zip'",
    "list jars": "LIST JARS",
    "list files": "LIST FILES",
    "script": "BEGIN SELECT 1; END",
    "script with a change": "BEGIN DELETE FROM unified.visits; END",
    "script that loops": "BEGIN DECLARE i INT DEFAULT 0; WHILE i < 3 DO SET i = i + 1;"
    " END WHILE; END",
    "execute delete": "EXECUTE IMMEDIATE 'DELETE FROM unified.visits'",
    "execute joined": "EXECUTE IMMEDIATE 'DROP TAB' || 'LE unified.visits'",
    "execute with parameters": "EXECUTE IMMEDIATE"
    " 'DELETE FROM unified.visits WHERE id = ?' USING 1",
    "execute set": "EXECUTE IMMEDIATE 'SET spark.sql.runSQLOnFiles=true'",
    "execute script": "EXECUTE IMMEDIATE 'BEGIN DELETE FROM unified.visits; END'",
    "explain insert": "EXPLAIN INSERT INTO unified.visits SELECT * FROM unified.visits",
    "explain extended": "EXPLAIN EXTENDED DELETE FROM unified.visits",
    "explain codegen": "EXPLAIN CODEGEN INSERT OVERWRITE unified.visits TABLE unified.weather",
    "explain a change in a cte": "EXPLAIN WITH x AS (SELECT 1) INSERT INTO unified.visits TABLE x",
    "explain explain": "EXPLAIN EXPLAIN DROP TABLE unified.visits",
    "explain ctas": "EXPLAIN FORMATTED CREATE TABLE marts.x AS SELECT 1",
    "stream": "SELECT * FROM STREAM unified.visits",
    "drop by identifier": "DROP TABLE IDENTIFIER('unified.visits')",
    "insert by identifier": "INSERT INTO IDENTIFIER('unified.' || 'visits') SELECT 1",
}

STRANGE = {
    "describe an insert": "DESCRIBE QUERY FROM unified.visits INSERT INTO unified.visits SELECT *",
    "dfs": "dfs -ls /",
    "shell": "!ls /",
    "put": "PUT '/etc/passwd' INTO '{out}/p'",
    "two at once": "SELECT 1; DROP TABLE unified.visits",
    "grant": "GRANT SELECT ON unified.visits TO analyst",
    "call": "CALL system.rollback('unified.visits')",
    "lock": "LOCK TABLE unified.visits EXCLUSIVE",
}
"""What Spark's own parser does not know."""

_FORMATS = ("text", "csv", "json", "parquet", "orc", "avro", "xml", "binaryFile", "delta", "jdbc")
PATHS = {
    **{f"{f} of a file": f"SELECT * FROM {f}.`/etc/passwd`" for f in _FORMATS},
    **{
        f"{f} of raw": f"SELECT * FROM spark_catalog.{f}.`{{lake}}/raw/visits`"
        for f in ("text", "parquet", "delta", "binaryFile")
    },
    **{
        f"delta of {layer}": f"SELECT * FROM delta.`{{lake}}/{layer}/visits`"
        for layer in ("raw", "quarantine", "ops")
    },
    "parquet of an open table": "SELECT * FROM parquet.`{lake}/unified/visits`",
    "json of an open table's log": "SELECT * FROM json.`{lake}/unified/visits/_delta_log`",
    "delta by a detour": "SELECT * FROM delta.`{lake}/unified/../raw/visits`",
    "delta by file uri": "SELECT * FROM delta.`file://{lake}/raw/visits`",
    "delta below an open table": "SELECT * FROM delta.`{lake}/unified/visits/../../ops/visits`",
    "time travel by path": "SELECT * FROM delta.`{lake}/raw/visits@v0`",
    "version as of": "SELECT * FROM delta.`{lake}/raw/visits` VERSION AS OF 0",
    "raw by name": "SELECT * FROM raw.visits",
    "raw with catalogue": "SELECT * FROM spark_catalog.raw.visits",
    "quarantine by name": "SELECT * FROM quarantine.visits",
    "ops by name": "SELECT * FROM ops.visits",
    "staging by name": "SELECT * FROM staging.visits",
    "class as a format": "SELECT * FROM `org.apache.spark.sql.jdbc`.`jdbc:postgresql://x/y`",
    "history of raw": "DESCRIBE HISTORY delta.`{lake}/raw/visits`",
    "history by path": "DESCRIBE HISTORY '{lake}/raw/visits'",
    "detail of raw": "DESCRIBE DETAIL delta.`{lake}/raw/visits`",
    "detail by path": "DESCRIBE DETAIL '{lake}/raw/visits'",
    "columns of raw": "SHOW COLUMNS IN delta.`{lake}/raw/visits`",
    "changes by name": "SELECT * FROM table_changes('raw.visits', 0)",
    "describe raw": "DESCRIBE EXTENDED delta.`{lake}/raw/visits`",
    "properties of raw": "SHOW TBLPROPERTIES delta.`{lake}/raw/visits`",
    "partitions of raw": "SHOW PARTITIONS delta.`{lake}/raw/visits`",
    "changes of raw": "SELECT * FROM table_changes('delta.`{lake}/raw/visits`', 0)",
    "changes by path": "SELECT * FROM table_changes_by_path('{lake}/raw/visits', 0)",
    "in a cte": "WITH x AS (SELECT * FROM delta.`{lake}/raw/visits`) SELECT * FROM x",
    "in a subquery": "SELECT (SELECT max(secret) FROM delta.`{lake}/raw/visits`)",
    "in an exists": "SELECT 1 WHERE EXISTS (SELECT * FROM delta.`{lake}/ops/visits`)",
    "in an in": "SELECT * FROM unified.visits WHERE facility IN"
    " (SELECT secret FROM delta.`{lake}/raw/visits`)",
    "in a join": "SELECT * FROM unified.visits JOIN delta.`{lake}/raw/visits` ON true",
    "in a lateral": "SELECT * FROM unified.visits v, LATERAL"
    " (SELECT * FROM delta.`{lake}/raw/visits` WHERE secret = v.facility)",
    "in a union": "SELECT facility FROM unified.visits UNION TABLE delta.`{lake}/raw/visits`",
    "in a recursion": "WITH RECURSIVE r AS (SELECT secret FROM delta.`{lake}/raw/visits`"
    " UNION ALL SELECT * FROM r WHERE false) SELECT * FROM r",
    "in a lambda": "SELECT transform(array(1),"
    " x -> (SELECT max(secret) FROM delta.`{lake}/raw/visits`))",
    "in a pipe": "FROM unified.visits |> JOIN delta.`{lake}/raw/visits` ON true",
    "by identifier": "SELECT * FROM IDENTIFIER('delta.`{lake}/raw/visits`')",
    "by a folded identifier": "SELECT * FROM IDENTIFIER(concat('ra', 'w.visits'))",
    "by a marker": "EXECUTE IMMEDIATE 'SELECT * FROM IDENTIFIER(:t)'"
    " USING 'delta.`{lake}/raw/visits`' AS t",
    "explained": "EXPLAIN EXTENDED SELECT * FROM delta.`{lake}/raw/visits`",
    "executed": "EXECUTE IMMEDIATE 'SELECT * FROM delta.`{lake}/raw/visits`'",
    "described": "DESCRIBE QUERY SELECT * FROM delta.`{lake}/raw/visits`",
    "in a time travel": "SELECT * FROM unified.visits TIMESTAMP AS OF"
    " (SELECT max(secret) FROM delta.`{lake}/raw/visits`)",
    "history elsewhere": "DESCRIBE HISTORY '{lake}/elsewhere/visits'",
    "detail elsewhere": "DESCRIBE DETAIL '{lake}/elsewhere/visits'",
    "detail by a detour": "DESCRIBE DETAIL '{lake}/unified/../elsewhere/visits'",
    "read_files": "SELECT * FROM read_files('/etc/passwd')",
}

CODE = {
    "reflect": "SELECT reflect('java.lang.System', 'getenv', 'PATH')",
    "java_method": "SELECT java_method('java.lang.System', 'getProperty', 'user.name')",
    "try_reflect": "SELECT try_reflect('java.lang.System', 'getenv', 'PATH')",
    "reflect by its full name": "SELECT system.builtin.reflect('java.lang.Runtime', 'getRuntime')",
    "reflect by builtin": "SELECT builtin.java_method('java.util.UUID', 'randomUUID')",
    "reflect in a cte": "WITH x AS (SELECT reflect('java.lang.System', 'getenv', 'PATH') AS a)"
    " SELECT * FROM x",
    "reflect in a filter": "SELECT 1 FROM unified.visits"
    " WHERE java_method('java.util.UUID', 'randomUUID') = facility",
    "reflect in a lambda": "SELECT transform(array('PATH'),"
    " x -> reflect('java.lang.System', 'getenv', x))",
    "reflect in an identifier": "SELECT * FROM"
    " IDENTIFIER(reflect('java.lang.System', 'getenv', 'A'))",
    "reflect in a time travel": "SELECT * FROM unified.visits TIMESTAMP AS OF"
    " CAST(reflect('java.lang.System', 'getenv', 'PATH') AS TIMESTAMP)",
    "reflect executed": "EXECUTE IMMEDIATE"
    " 'SELECT reflect(''java.lang.System'', ''getenv'', ''PATH'')'",
    "reflect in an execute": "EXECUTE IMMEDIATE reflect('java.lang.System', 'getenv', 'PATH')",
    "reflect in a hint": "SELECT /*+ REPARTITION(2, reflect('java.lang.System', 'gc')) */ 1",
    "reflect in a limit": "SELECT 1 LIMIT length(reflect('java.lang.System', 'getenv', 'PATH'))",
    "transform": "SELECT TRANSFORM (facility) USING 'cat /etc/passwd' AS (a) FROM unified.visits",
    "transform by map": "FROM (FROM unified.visits MAP facility USING 'cat' AS a) x SELECT *",
    "transform by reduce": "FROM unified.visits REDUCE facility USING 'cat' AS a",
    "transform in a cte": "WITH x AS (SELECT TRANSFORM (1) USING 'id' AS (a)) SELECT * FROM x",
    "from_avro": "SELECT from_avro(x'00', '\"string\"')",
    "to_avro": "SELECT to_avro(facility) FROM unified.visits",
    "from_protobuf": "SELECT from_protobuf(x'00', 'A', '/etc/passwd', map())",
    "from_xml": "SELECT from_xml('<a/>', 'a STRING', map('rowValidationXSDPath', '/etc/passwd'))",
    "schema_of_xml": "SELECT schema_of_xml('<a/>', map('rowValidationXSDPath', '/etc/passwd'))",
    "xpath": 'SELECT xpath_string(\'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    "<a>&e;</a>', 'a')",
    "python worker logs": "SELECT * FROM python_worker_logs()",
}

"""Faults of contracts: the spoiler, the place that is named, and a part of the sentence.

In what is written: fields, files, loads, owners.
"""

from __future__ import annotations

from contract_spoilers import (
    LOG,
    TREES_FILE,
    Spoil,
    drop,
    file,
    line_list,
    log,
    other_hour,
    put,
    trees,
)

FAULTS: dict[str, tuple[Spoil, str, str]] = {
    # the standard
    "unknown field": (trees(domian="parks"), TREES_FILE, "unknown field 'domian'; did you mean"),
    "unknown field of a column": (
        put("tree_id", requird=True),
        "schema.trees.properties.tree_id.requird",
        "did you mean 'required'",
    ),
    "wrong type": (put("tree_id", required="yes"), "tree_id.required", "of type boolean"),
    "unknown type": (put("tree_id", logicalType="text"), "logicalType", "is 'text'; allowed are"),
    "missing field": (lambda c: c.trees.pop("version"), TREES_FILE, "'version' is missing"),
    "wrong version": (trees(apiVersion="v2.2.2"), "apiVersion", "allowed are 'v3.0.0'"),
    "wrong server field": (
        lambda c: c.trees["servers"][0].update(hots="x"),
        "servers.source.hots",
        "unknown field 'hots'; did you mean 'host'",
    ),
    "unknown option": (
        put("tree_id", logicalTypeOptions={"patern": "x"}),
        "logicalTypeOptions.patern",
        "did you mean 'pattern'",
    ),
    # where it stands
    "wrong id": (trees(id="parks.tree"), "id", "is 'parks.tree'; allowed is 'parks.trees'"),
    "wrong domain": (trees(domain="health"), "domain", "is 'health'; allowed is 'parks'"),
    "wrong place": (file("schemas/trees.yaml", "a: 1"), "schemas/trees.yaml", "wrong place"),
    "wrong ending": (file("schemas/parks/x.yml", "a: 1"), "x.yml", "wrong place"),
    "not yaml": (file("schemas/parks/x.yaml", "a: [1"), "x.yaml:1", "not YAML"),
    "empty file": (file("schemas/parks/x.yaml", ""), "x.yaml", "the file is empty"),
    "a list": (file("schemas/parks/x.yaml", "- 1"), "x.yaml", "a contract is a mapping"),
    "twice the same key": (
        file("schemas/_codes/x.yaml", "title: a\ncodes:\n  '1': a\n  '1': b\n"),
        "schemas/_codes/x.yaml:4",
        "stands twice",
    ),
    # the civiclake entry
    "no entry": (trees(customProperties=[]), TREES_FILE, "'civiclake' is missing"),
    "unknown own field": (put("own", histroy="latest"), "histroy", "did you mean 'history'"),
    "unknown own inner field": (
        put("own", drift={"new_colum": "hold"}),
        "drift.new_colum",
        "did you mean 'new_column'",
    ),
    "unknown load": (put("own", load="increment"), "load", "did you mean 'incremental'"),
    "unknown drift": (
        put("own", drift={"new_column": "drop"}),
        "new_column",
        "'evolve', 'hold' or 'ignore'",
    ),
    "wrong overlap": (put("own", overlap="1 hour"), "overlap", "such as '30m', '1h' or '2d'"),
    "wrong limit": (put("own", limits={"max_set_aside_fraction": 5}), "fraction", "than or equal"),
    "wrong span": (
        put("own", limits={"max_ahead": "1 day"}),
        "max_ahead",
        "such as '2h', or 'any'",
    ),
    "wrong schedule": (put("own", schedule="nightly"), "schedule", "cron text of five fields"),
    "two hours in a department": (other_hour, TREES_FILE, "a department runs at one hour"),
    # load, key, sequence
    "no sequence": (drop("own", "sequence"), "sequence", "'sequence' is missing"),
    "unknown sequence": (put("own", sequence="updated"), "sequence", "mean 'updated_at'"),
    "sequence may be empty": (drop("updated_at", "required"), "sequence", "wants required: true"),
    "sequence has no order": (put("own", sequence="tree_id"), "sequence", "is a string; allowed"),
    "load does not fit": (
        put("own", load="files", overlap="0s"),
        "load",
        "for 'postgresql' are 'incremental'",
    ),
    "append of a snapshot": (
        lambda c: c.own.update(load="snapshot", history="append", overlap="0s"),
        "history",
        "a snapshot deletes what is gone; allowed are 'latest', 'history' or 'snapshot'",
    ),
    "snapshots of an incremental load": (
        put("own", history="snapshot"),
        "history",
        "only a snapshot is a night's full state; allowed are 'latest', 'history' or 'append'",
    ),
    "append of a change log": (
        log(history="append"),
        "history",
        "a change log changes and deletes; allowed are 'latest' or 'history'",
    ),
    "a sequence of nightly states": (
        lambda c: c.own.update(load="snapshot", history="history", overlap="0s"),
        "sequence",
        "valid from the night they were delivered",
    ),
    "history without a time": (
        lambda c: [
            c.own.update(history="history", sequence="height_m", overlap="0s"),
            c.column("height_m").update(required=True),
        ],
        "sequence",
        "is a number; allowed are 'date' or 'timestamp'",
    ),
    "no key, and what it may be instead": (
        drop("tree_id", "primaryKey"),
        "schema.trees.properties",
        "'occurrence: equals' in civiclake keeps every row",
    ),
    "equal rows past a watermark": (
        put("own", occurrence="equals"),
        "occurrence",
        "is 'equals', but rows past a watermark are a part of the source",
    ),
    "equal rows of a change log": (
        log(occurrence="equals"),
        "occurrence",
        "is 'equals', but a change log speaks of keys",
    ),
    "versions of equal rows": (
        line_list(load="snapshot", history="history"),
        "occurrence",
        "have no versions: which of them ended and which went on can't be told",
    ),
    "places in a snapshot": (
        line_list(load="snapshot", occurrence="row"),
        "occurrence",
        "is 'row', but rows may move; with history 'latest' allowed is 'equals'",
    ),
    "events by equality": (
        lambda c: c.parks["customProperties"][0]["value"].update(
            load="files", history="append", occurrence="equals"
        ),
        "occurrence",
        "is 'equals', but an event keeps its place; with history 'append' allowed is 'row'",
    ),
    "a place and a key": (
        lambda c: c.parks["customProperties"][0]["value"].update(
            load="files", history="append", occurrence="row"
        ),
        "occurrence",
        "'park_id' has primaryKey: true; leave out one of the two",
    ),
    "equal rows in an order": (
        line_list(load="snapshot", sequence="updated_at"),
        "sequence",
        "equal rows are no versions of one thing; leave it out",
    ),
    "an unknown occurrence": (
        line_list(load="snapshot", occurrence="equal"),
        "occurrence",
        "is 'equal'; allowed are 'equals' or 'row'; did you mean 'equals'",
    ),
    "a change log without operations": (
        put("own", load="changes"),
        "operation",
        "'operation' is missing",
    ),
    "a change log without a sequence": (
        lambda c: [log()(c), c.own.pop("sequence")],
        "sequence",
        "is missing",
    ),
    "an operation that is not there": (
        lambda c: c.own.update(LOG, operation="opp"),
        "operation",
        "there is no column 'opp'",
    ),
    "an operation that may be empty": (
        lambda c: [log()(c), c.trees["schema"][0]["properties"][-1].pop("required")],
        "operation",
        "wants required: true",
    ),
    "an operation of a snapshot": (
        lambda c: [c.own.update(load="snapshot", operation="op", overlap="0s")],
        "operation",
        "allowed is load: changes",
    ),
    "operation that means nothing": (
        log(absent=["-", "D"]),
        "operation",
        "holds 'D', which is a word for an absent value as well",
    ),
    "an unknown operation": (
        log(operations={"X": "remove"}),
        "operations.X",
        "is 'remove'; allowed are 'insert', 'update', 'upsert' or 'delete'",
    ),
    "a business date that is none": (
        put("own", event_time="species"),
        "event_time",
        "is a string; allowed are 'date'",
    ),
    "a dropped column that passes": (
        put("own", drift={"dropped_column": "ignore"}),
        "dropped_column",
        "should be 'hold'",
    ),
    "an unknown policy for types": (
        put("own", drift={"changed_type": "discard"}),
        "changed_type",
        "mean 'discard_value'",
    ),
    "overlap of a snapshot": (put("own", load="snapshot"), "overlap", "only incremental"),
    "no key": (
        drop("tree_id", "primaryKey"),
        "schema.trees.properties",
        "no column has primaryKey",
    ),
    "no connection": (drop("own", "connection"), "connection", "'connection' is missing"),
    # owner, server, service level
    "no team": (lambda c: c.trees.pop("team"), TREES_FILE, "an owner is missing"),
    "no owner": (trees(team={"members": [{"username": "a"}]}), "team", "an owner is missing"),
    "no members": (
        trees(team={"name": "Parks", "members": None}),
        "team.members",
        "is None; allowed is a value of type array",
    ),
    "unknown field of a member": (
        trees(team={"members": [{"username": "a@b.example", "role": "owner", "rol": "x"}]}),
        "team.members[0]",
        "unknown field 'rol'",
    ),
    "member without a name": (
        trees(team={"members": [{"role": "owner"}]}),
        "team.members[0]",
        "'username' is missing",
    ),
    "team of another kind": (
        trees(team=3),
        "team",
        "is 3; allowed is a value of type",
    ),
}

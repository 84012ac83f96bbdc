"""Faults of contracts: the spoiler, the place that is named, and a part of the sentence.

In columns: types, protection, shared columns, codes, references.
"""

from __future__ import annotations

from contract_spoilers import Spoil, circle, extension, file, put, same_table

FAULTS: dict[str, tuple[Spoil, str, str]] = {
    # columns
    "unsupported type": (put("species", logicalType="array"), "species.logicalType", "flattened"),
    "too many digits": (put("height_m", physicalType="numeric(40,2)"), "height_m", "38 digits"),
    "wrong column name": (put("tree_id", name="Tree Id"), "name", "small letters"),
    "column twice": (
        lambda c: c.trees["schema"][0]["properties"].append(
            {"name": "tree_id", "logicalType": "string"}
        ),
        "tree_id",
        "stands twice",
    ),
    "source column twice": (put("species", physicalName="height"), "physicalName", "already"),
    "week year": (
        put("updated_at", logicalTypeOptions={"format": "YYYY-MM-dd"}),
        "logicalTypeOptions.format",
        "write 'y'",
    ),
    "unknown zone": (
        put("updated_at", logicalTypeOptions={"defaultTimezone": "Mars/Base"}),
        "defaultTimezone",
        "IANA time zone",
    ),
    "wrong pattern": (put("tree_id", logicalTypeOptions={"pattern": "("}), "pattern", "not a reg"),
    "empty range": (
        put("height_m", logicalTypeOptions={"minimum": 9, "maximum": 1}),
        "minimum",
        "nothing could pass",
    ),
    "quality on a column": (
        put("tree_id", quality=[{"metric": "nullValues", "mustBe": 0}]),
        "tree_id.quality",
        "is not supported on a column",
    ),
    "unknown batch rule": (
        lambda c: c.trees["schema"][0].update(quality=[{"metric": "duplicateValues", "mustBe": 0}]),
        "quality",
        "allowed is the metric 'rowCount'",
    ),
    "unknown severity": (
        lambda c: c.trees["schema"][0].update(
            quality=[{"metric": "rowCount", "mustBe": 1, "severity": "fatal"}]
        ),
        "severity",
        "is 'fatal'; allowed are",
    ),
    # protection
    "unknown class": (put("species", classification="secret"), "classification", "is 'secret'"),
    "restricted unprotected": (
        put("tree_id", classification="restricted"),
        "tree_id.classification",
        "without a protection",
    ),
    "protected unrestricted": (
        put("species", customProperties=extension(protect="drop")),
        "species.classification",
        "allowed is 'restricted'",
    ),
    "key dropped": (
        put("tree_id", classification="restricted", customProperties=extension(protect="drop")),
        "primaryKey",
        "can't be dropped",
    ),
    "unknown protection": (
        put("keeper_id", customProperties=extension(protect="hash")),
        "protect",
        "allowed are 'pseudonym' or 'drop'",
    ),
    # shared columns
    "shared type differs": (
        put("keeper_id", logicalType="integer"),
        "keeper_id.logicalType",
        "is 'integer', but the shared column _columns/person.yaml#person_id says 'string'",
    ),
    "shared class differs": (
        put("keeper_id", classification="public"),
        "classification",
        "shared",
    ),
    "shared pattern differs": (
        put("keeper_id", logicalTypeOptions={"pattern": "Q"}),
        "keeper_id.logicalTypeOptions.pattern",
        "is 'Q', but",
    ),
    "shared protection differs": (
        put("keeper_id", customProperties=extension(protect="drop")),
        "protect",
        "is 'drop', but the shared column",
    ),
    "unknown shared column": (
        lambda c: c.column("keeper_id")["authoritativeDefinitions"][0].update(
            url="_columns/person.yaml#persn_id"
        ),
        "url",
        "there is no shared column '_columns/person.yaml#persn_id'",
    ),
    "faulty shared column": (
        lambda c: c.person["person_id"].update(clasification="x"),
        "schemas/_columns/person.yaml",
        "did you mean 'classification'",
    ),
    # codes
    "unknown code list": (
        put("species", customProperties=extension(codes="specis")),
        "codes",
        "there is no code list 'specis'; allowed are 'species'; did you mean 'species'",
    ),
    "map leads nowhere": (
        put("species", customProperties=extension(codes="species", map={"Ulme": "elmm"})),
        "map.Ulme",
        "leads to 'elmm'; allowed are 'elm' or 'oak'; did you mean 'elm'?",
    ),
    "map without a list": (
        put("species", customProperties=extension(map={"a": "b"})),
        "map",
        "wants the code list",
    ),
    "code not in quotes": (
        file("schemas/_codes/kinds.yaml", "title: Kinds\ncodes:\n  1: one\n"),
        "schemas/_codes/kinds.yaml:3",
        "put it in quotes",
    ),
    "coded number": (
        put("height_m", customProperties=extension(codes="species")),
        "height_m.logicalType",
        "codes are of type 'string'",
    ),
    # how values are written
    "absent number not in quotes": (
        put("height_m", customProperties=extension(absent=["NA", -99])),
        "absent[1]",
        "is -99, which YAML reads as no text; put it in quotes",
    ),
    "absent word is a value": (
        lambda c: [
            c.own.update(absent=["NA", "-"]),
            c.column("park_id").update(enum=[{"value": "NA"}, {"value": "P1"}]),
        ],
        "park_id",
        "holds 'NA' (for all columns), which is a value of its enum",
    ),
    "absent word is a code": (
        put("species", customProperties=extension(codes="species", absent=["elm"])),
        "absent",
        "which is a code of species",
    ),
    "absent word is mapped": (
        put("species", customProperties=extension(codes="species", map={"-": "oak"}, absent=["-"])),
        "absent",
        "which map leads on",
    ),
    "absent and present": (
        put("park_id", customProperties=extension(absent=["none"], absent_as=" none ")),
        "absent",
        "which is what absent_as says",
    ),
    "absent as blank": (put("park_id", customProperties=extension(absent_as=" ")), "_as", "blank"),
    "absent as no number": (
        put("height_m", customProperties=extension(absent_as="none")),
        "absent_as",
        "is 'none', which is no number",
    ),
    "absent as no code": (
        put("species", customProperties=extension(codes="species", absent_as="ash")),
        "absent_as",
        "is 'ash'; allowed are 'elm' or 'oak'",
    ),
    "absent as against the pattern": (
        put(
            "park_id",
            logicalTypeOptions={"pattern": "P[0-9]"},
            customProperties=extension(absent_as="none"),
        ),
        "absent_as",
        "does not match the pattern 'P[0-9]'",
    ),
    "absent and protected": (
        put(
            "park_id",
            classification="restricted",
            relationships=[],
            customProperties=extension(protect="pseudonym", absent_as="none"),
        ),
        "absent_as",
        "the same pseudonym",
    ),
    "number of a text": (
        put("park_id", customProperties=extension(number={"decimal": ","})),
        "number",
        "the column is a string",
    ),
    "number of no form": (
        put("height_m", customProperties=extension(number={})),
        "number",
        "says nothing",
    ),
    "one mark for two": (
        put("height_m", customProperties=extension(number={"group": "."})),
        "number.group",
        "the decimal mark itself",
    ),
    "unknown decimal mark": (
        put("height_m", customProperties=extension(number={"decimal": ";"})),
        "number.decimal",
        "is ';'; allowed is '.' or ','",
    ),
    "unknown mark of groups": (
        put("height_m", customProperties=extension(number={"group": ";"})),
        "number.group",
        "allowed is '.', ',', a blank",
    ),
    "misspelt form of numbers": (
        put("height_m", customProperties=extension(number={"decmial": ","})),
        "number.decmial",
        "did you mean 'decimal'?",
    ),
    "unknown percent": (
        put("height_m", customProperties=extension(number={"percent": "half"})),
        "number.percent",
        "allowed are 'divide' or 'keep'",
    ),
    "percent as a word": (
        put("height_m", customProperties=extension(number={"strip": ["%"]})),
        "number.strip",
        "percent: divide or keep",
    ),
    "digit as a word": (
        put("height_m", customProperties=extension(number={"strip": ["m2"]})),
        "number.strip",
        "a part of the number itself",
    ),
    "counted text": (
        put("park_id", customProperties=extension(epoch="ms")),
        "epoch",
        "the column is a string; allowed is 'timestamp'",
    ),
    "counted and written": (
        put(
            "updated_at",
            logicalTypeOptions={"format": "yyyy-MM-dd HH:mm"},
            customProperties=extension(epoch="s"),
        ),
        "epoch",
        "a time is counted or written",
    ),
    "counted in a zone": (
        put(
            "updated_at",
            logicalTypeOptions={"defaultTimezone": "Asia/Shanghai"},
            customProperties=extension(epoch="s"),
        ),
        "epoch",
        "leave out the defaultTimezone 'Asia/Shanghai'",
    ),
    "unknown unit": (
        put("updated_at", customProperties=extension(epoch="us")),
        "epoch",
        "is 'us'; allowed are 's' or 'ms'",
    ),
    # references
    "unknown dataset": (
        put("park_id", relationships=[{"to": "parks.park.park_id"}]),
        "relationships",
        "there is no dataset 'parks.park'; allowed are 'parks.parks' or 'parks.trees'; did you",
    ),
    "unknown column": (
        put("park_id", relationships=[{"to": "parks.parks.id_park"}]),
        "to",
        "has no column 'id_park'",
    ),
    "other type": (
        put("park_id", relationships=[{"to": "parks.parks.area_m2"}]),
        "to",
        "is of type int, but 'park_id' is of type string",
    ),
    "not a reference": (
        put("park_id", relationships=[{"to": "parks.park_id"}]),
        "to",
        "allowed is '<department>.<dataset>.<column>'",
    ),
    "itself": (put("park_id", relationships=[{"to": "parks.trees.tree_id"}]), "to", "its own"),
    "a circle": (circle, "schemas/parks/parks.yaml", "parks.parks -> parks.trees -> parks.parks"),
    "two datasets, one table": (same_table, "schemas/city_parks/x.yaml", "'city_parks_x', which"),
}

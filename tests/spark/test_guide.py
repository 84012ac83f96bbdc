"""docs/guides/add-a-dataset.md, followed word for word."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from nights import Nights, counts
from pyspark.sql import SparkSession

from civiclake.contracts.load import load_city
from civiclake.settings import Settings, project_root

GUIDE = project_root() / "docs" / "guides" / "add-a-dataset.md"


def _block(language: str, holding: str) -> str:
    """The one code block of a language that holds a text."""
    blocks = re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    found = [block for block in blocks if holding in block]
    assert len(found) == 1
    return str(found[0])


def test_the_guide_leads_to_what_it_says(
    settings: Settings, spark: SparkSession, tmp_path: Path
) -> None:
    for folder in ("schemas", "expectations"):
        shutil.copytree(project_root() / folder, tmp_path / folder)
        (tmp_path / folder / "environment").mkdir(exist_ok=True)
    contract = tmp_path / "schemas" / "environment" / "air_quality.yaml"
    contract.write_text(_block("yaml", "id: environment.air_quality"))
    suite = tmp_path / "expectations" / "environment" / "air_quality.json"
    suite.write_text(_block("json", "expect_column_mean_to_be_between"))
    city = load_city(tmp_path / "schemas", tmp_path / "expectations")
    nights = Nights(settings, spark, tmp_path / "state", city.dataset("environment.air_quality"))
    delivered = re.search(r"printf '(.*?)'", _block("sh", "printf"))
    assert delivered
    result = nights.run("20160102T020000Z", delivered[1].replace("\\n", "\n"))
    assert counts(result) == {"read": 3, "inserted": 2, "quarantined": 1}
    assert list(result.reasons) == ["range:pm25_ug_per_m3"]
    assert [row["station_id"] for row in nights.table()] == ["S1", "S2"]
